"""What the access decision costs at the gateway: the same route without it, remembered by nginx, and asked of auth.

Run it as `make bench-gateway`; README.md says how to read it.
"""

import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.asking import Line, get, percentile
from benchmarks.house import ROUTE, Part, auth_service, door, stand_in
from benchmarks.load import Load, load
from benchmarks.surroundings import surroundings, verdict

LEAST_KEPT = 0.5
MOST_ADDED = 0.001
"""Seconds."""

KINDS = ("token", "API key")
ASKED = 500
TURN = 50
PASSES = 3
ROUNDS = 6
ROUND_SECONDS = 1
FORGOTTEN_AFTER = 2.1
"""Seconds: nginx remembers an answer of auth for 1 to 2."""

MOST_ASTRAY = 0.05
"""What nginx remembers it has to ask again now and then; more of it would be another figure."""

ORDER = random.Random(0)
PLENTY = "10000000"
AUTH = {"GUESTS_PER_ADDRESS_PER_HOUR": PLENTY, "API_KEYS_PER_USER": PLENTY}
LIMITS = {"GATEWAY_REST_PER_MINUTE": PLENTY}
ON_DISK = {"GATEWAY_STATE": "."}
WITHOUT_AUTH = ("snippets/door.conf", "auth_request /_auth/required;", "auth_request off;")
WITHOUT_CACHE = ("snippets/auth_check.conf", "proxy_cache auth_answers;", "proxy_cache off;")


@dataclass(eq=False)
class Case:
    """One way to ask, and how long it took each time; `asks_auth` says which way nginx has to take for it."""

    name: str
    line: Line
    asks_auth: bool
    times: list[float] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        """Its mark in the access log."""
        return "bench-" + "".join(letter if letter.isalnum() else "-" for letter in self.name)

    def ask(self, credential: str) -> None:
        """Once, timed."""
        self.times.append(self.line.ask(get(ROUTE, credential, self.request_id), 204))

    def show(self, reference: "Case") -> str:
        """p50 and p99, and what they are above those of the reference, in microseconds."""
        p50, p99 = percentile(self.times, 0.5), percentile(self.times, 0.99)
        above = p50 - percentile(reference.times, 0.5), p99 - percentile(reference.times, 0.99)
        return f"{self.name:34}{p50 * 1e6:9.0f}{p99 * 1e6:9.0f}{above[0] * 1e6:12.0f}{above[1] * 1e6:12.0f}"


@dataclass(frozen=True)
class Doors:
    """Copies of the gateway in front of the same services; `real` is as it is in production."""

    auth: Part
    open: Part
    real: Part
    on_disk: Part
    forgetful: Part


def main() -> None:
    """Exits with 1 when a figure misses what issue 3 asks of it."""
    print(surroundings(), flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        doors = _open(Path(folder), stack)
        tokens, keys = list(_tokens(doors.auth, ASKED + 1)), list(_keys(doors.auth, ASKED + 1))
        added = _one_at_a_time(doors, tokens, keys)
        kept = _as_many_as_go(doors, tokens, keys)
    verdict(
        *((f"{name} keeps ≥ {LEAST_KEPT} of the throughput", kept[name], kept[name] >= LEAST_KEPT) for name in kept),
        *(
            (f"{name} adds ≤ {MOST_ADDED * 1000:.0f} ms p50", added[name] * 1000, added[name] <= MOST_ADDED)
            for name in added
        ),
    )


def _open(folder: Path, stack: ExitStack) -> Doors:
    auth = stack.enter_context(auth_service(folder, AUTH))
    rest = stack.enter_context(stand_in(folder))
    return Doors(
        auth,
        open=stack.enter_context(door(folder, "open", auth, rest, LIMITS, WITHOUT_AUTH)),
        real=stack.enter_context(door(folder, "real", auth, rest, LIMITS)),
        on_disk=stack.enter_context(door(folder, "on-disk", auth, rest, LIMITS | ON_DISK)),
        forgetful=stack.enter_context(door(folder, "forgetful", auth, rest, LIMITS, WITHOUT_CACHE)),
    )


def _tokens(auth: Part, count: int) -> Iterator[str]:
    """Access tokens of so many guests."""
    with httpx.Client(base_url=f"http://127.0.0.1:{auth.port}") as http:
        for _ in range(count):
            yield http.post("/v1/auth/guest").raise_for_status().json()["access_token"]


def _keys(auth: Part, count: int) -> Iterator[str]:
    """So many API keys of one account."""
    body = {"email": "bench@example.com", "password": "four quiet herons", "username": "bench"}
    asked = {"name": "bench", "scopes": ["memory:read"]}
    with httpx.Client(base_url=f"http://127.0.0.1:{auth.port}") as http:
        signed_up = http.post("/v1/auth/signup", json=body).raise_for_status().json()
        http.headers["authorization"] = f"Bearer {signed_up['access_token']}"
        for _ in range(count):
            yield http.post("/v1/auth/keys", json=asked).raise_for_status().json()["key"]


def _one_at_a_time(doors: Doors, tokens: list[str], keys: list[str]) -> dict[str, float]:
    """Prints each case's latency; returns what the uncached ones add to the route without auth, p50, in seconds."""
    with ExitStack() as stack:
        line, open_line, disk_line = (
            stack.enter_context(Line(door.port)) for door in (doors.real, doors.open, doors.on_disk)
        )
        without = Case("without auth", open_line, asks_auth=False)
        remembered = [Case(f"{kind}, remembered by nginx", line, asks_auth=False) for kind in KINDS]
        first = [Case(f"{kind}, used for the first time", line, asks_auth=True) for kind in KINDS]
        again = [Case(f"{kind}, known to auth", line, asks_auth=True) for kind in KINDS]
        on_disk = Case("the same, nginx's cache on disk", disk_line, asks_auth=True)
        always = {without: tokens[1:], remembered[0]: tokens[:1] * ASKED, remembered[1]: keys[:1] * ASKED}
        # on_disk waits for the second pass: a key that came through it first would be known to auth at the real door
        for new in (first, *[[*again, on_disk]] * PASSES):
            _take_turns(always | dict(zip(new, (tokens[1:], keys[1:], keys[1:]), strict=False)))
            time.sleep(FORGOTTEN_AFTER)
    _refuse_other_paths(doors.real, [*remembered, *first, *again])
    print(f"\n{'one at a time, µs':34}{'p50':>9}{'p99':>9}{'added p50':>12}{'added p99':>12}")
    for case in (without, *remembered, *again, on_disk, *first):
        print(case.show(without), flush=True)
    return {case.name: percentile(case.times, 0.5) - percentile(without.times, 0.5) for case in (*again, *first)}


def _take_turns(cases: dict[Case, list[str]]) -> None:
    """Each case asks with its credentials, a few at a time, so that what else the machine does falls on all alike."""
    for start in range(0, ASKED, TURN):
        for case in ORDER.sample(list(cases), len(cases)):
            for credential in cases[case][start : start + TURN]:
                case.ask(credential)


def _refuse_other_paths(real: Part, cases: list[Case]) -> None:
    """Raises `ValueError` unless the access log shows that nginx answered, or asked auth, as each case wants it."""
    states: Counter[tuple[str, bool]] = Counter()
    for line in (real.folder / "access.log").read_text().splitlines():
        entry = json.loads(line)
        states[entry["request_id"], entry["auth_cache"] != "HIT"] += 1
    for case in cases:
        wanted, other = (states[case.request_id, asked] for asked in (case.asks_auth, not case.asks_auth))
        if wanted + other != len(case.times) or other > MOST_ASTRAY * wanted:
            raise ValueError(f"{case.name}: {wanted} requests went as they should, {other} otherwise")


def _as_many_as_go(doors: Doors, tokens: list[str], keys: list[str]) -> dict[str, float]:
    """Prints each case's throughput; returns which share of that without auth the remembered ones keep.

    In rounds, each in another order; a share compares within its round, and the median of the rounds counts.
    """
    cases = {
        "without auth": (doors.open, tokens[:100]),
        "one token, remembered": (doors.real, tokens[:1]),
        "100 tokens, remembered": (doors.real, tokens[:100]),
        "100 API keys, remembered": (doors.real, keys[:100]),
        "100 tokens, nothing remembered": (doors.forgetful, tokens[:100]),
        "100 API keys, nothing remembered": (doors.forgetful, keys[:100]),
    }
    rounds: list[dict[str, Load]] = [
        {name: load(at, doors.auth, ROUTE, credentials, ROUND_SECONDS) for name, (at, credentials) in shuffled}
        for shuffled in (ORDER.sample(list(cases.items()), len(cases)) for _ in range(ROUNDS))
    ]
    heads = ("requests/s", "of without", "p50", "p99", "CPU door", "CPU auth")
    print(f"\n{'32 connections, µs':34}" + "".join(f"{head:>12}" for head in heads))
    shares = {name: statistics.median(each[name].rate / each["without auth"].rate for each in rounds) for name in cases}
    for name, share in shares.items():
        figures = [
            statistics.median(getattr(each[name], figure) for each in rounds) * scale
            for figure, scale in (("rate", 1), ("p50", 1e6), ("p99", 1e6), ("door_cpu", 1e6), ("auth_cpu", 1e6))
        ]
        print(f"{name:34}{figures[0]:12.0f}{share:12.2f}" + "".join(f"{figure:12.0f}" for figure in figures[1:]))
    return {name: share for name, share in shares.items() if name.endswith(", remembered")}


if __name__ == "__main__":
    main()
