"""200 people log in at once: what auth needs for it, and whether it still answers everybody else meanwhile.

Run it as `make bench-log-ins`; README.md says how to read it.
"""

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.asking import PATIENCE, Line, get, percentile
from benchmarks.house import Part, auth_service, door, stand_in
from benchmarks.surroundings import surroundings, verdict

PEOPLE = 50
LOG_INS = 200
MOST_MEMORY = 1 << 30
LONGEST_WAIT = 0.1
"""Seconds of 99 checks in 100: what nobody notices; nginx itself would wait 2 s before it refuses a request."""

IDLE_SECONDS = 3.0
BETWEEN_CHECKS = 0.01
PASSWORD = "four quiet herons"
LIVE = "/health/live"
CHECK = "/internal/gateway/check"

# As behind a load balancer: each log-in has an address of its own, as in life, and no limit has to be lifted.
BEHIND_US = {"GATEWAY_TRUSTED_PROXY": "127.0.0.1/32"}

Waits = dict[str, list[float]]
"""Seconds that each request took, by path."""


@dataclass(frozen=True)
class Answer:
    """To one log-in, `after` so many seconds: its status, with the code of a problem."""

    outcome: str
    after: float


def main() -> None:
    """Exits with 1 when a figure misses what issue 3 asks of it."""
    print(surroundings(), flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        auth = stack.enter_context(auth_service(Path(folder)))
        rest = stack.enter_context(stand_in(Path(folder)))
        gateway = stack.enter_context(door(Path(folder), "gateway", auth, rest, BEHIND_US))
        token = _sign_up(gateway)
        start = time.perf_counter()
        idle = _watch(auth, token, until=lambda: time.perf_counter() > start + IDLE_SECONDS)
        answers, busy = _storm(gateway, auth, token)
        peak = auth.peak_memory
    outcomes = Counter(answer.outcome for answer in answers)
    _print(answers, outcomes, idle, busy)
    clear = outcomes["200"] + outcomes["503 sign_in_busy"]
    wait = percentile(busy[CHECK], 0.99)
    verdict(
        ("auth's peak memory stays under 1024 MiB", peak / 2**20, peak < MOST_MEMORY),
        (f"of {LOG_INS} log-ins each ends as 200 or 503 sign_in_busy", clear, clear == LOG_INS),
        (f"99 of 100 checks take < {LONGEST_WAIT * 1000:.0f} ms", wait * 1000, wait < LONGEST_WAIT),
    )


def _sign_up(gateway: Part) -> str:
    """Makes the people, a few at a time; returns an access token of one."""

    def sign_up(number: int) -> str:
        with closing(_connection(gateway)) as connection:
            body = {"email": _email(number), "password": PASSWORD, "username": "bench"}
            status, answer = _post(connection, "/v1/auth/signup", body, f"10.1.0.{number + 1}")
        if status != 201:
            raise ValueError(f"a sign-up was answered with {status}: {answer}")
        token: str = answer["access_token"]
        return token

    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(sign_up, range(PEOPLE)))
    return tokens[0]


def _storm(gateway: Part, auth: Part, token: str) -> tuple[list[Answer], Waits]:
    """All log-ins at once, and how long checks take until the last of them is answered."""
    gate = threading.Barrier(LOG_INS + 1)

    def log_in(number: int) -> Answer:
        with closing(_connection(gateway)) as connection:
            gate.wait()
            started = time.perf_counter()
            body = {"email": _email(number % PEOPLE), "password": PASSWORD}
            status, answer = _post(connection, "/v1/auth/login", body, f"10.2.0.{number + 1}")
            return Answer(f"{status} {answer.get('code', '')}".strip(), time.perf_counter() - started)

    with ThreadPoolExecutor(LOG_INS) as pool:
        asked = [pool.submit(log_in, number) for number in range(LOG_INS)]
        gate.wait()
        busy = _watch(auth, token, until=lambda: all(each.done() for each in asked))
        return [each.result() for each in asked], busy


def _watch(auth: Part, token: str, until: Callable[[], bool]) -> Waits:
    """Asks auth itself, not through the gateway, every few milliseconds."""
    requests = {LIVE: (get(LIVE), 200), CHECK: (get(CHECK, token), 204)}
    waits: Waits = {path: [] for path in requests}
    with Line(auth.port) as line:
        while not until():
            for path, (request, expected) in requests.items():
                waits[path].append(line.ask(request, expected))
                time.sleep(BETWEEN_CHECKS)
    return waits


def _connection(gateway: Part) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    connection.connect()
    return connection


def _post(connection: HTTPConnection, path: str, body: dict[str, str], address: str) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": "application/json", "x-forwarded-for": address}
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.load(response)
    return response.status, answer


def _email(number: int) -> str:
    return f"bench-{number}@example.com"


def _print(answers: list[Answer], outcomes: Counter[str], idle: Waits, busy: Waits) -> None:
    times = [answer.after for answer in answers]
    print(f"\n{LOG_INS} log-ins at once: " + ", ".join(f"{count} × {what}" for what, count in outcomes.items()))
    print(
        f"  the last after {max(times):.1f} s, half after {percentile(times, 0.5):.1f} s, {LOG_INS / max(times):.1f}/s"
    )
    print(f"\n{'asked of auth meanwhile, ms':34}{'p50':>9}{'p99':>9}{'longest':>9}{'asked':>9}")
    for when, waits in (("idle", idle), ("busy", busy)):
        for path, seconds in waits.items():
            figures = [percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds)]
            shown = "".join(f"{figure * 1000:9.1f}" for figure in figures)
            print(f"{when + ' ' + path:34}{shown}{len(seconds):9}")


if __name__ == "__main__":
    main()
