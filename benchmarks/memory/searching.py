"""How long a search takes, and a context with its recall: among many users, and in one endless conversation."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.asking import Line, get, percentile
from benchmarks.memory.figures import Figure, at_most, merely
from benchmarks.memory.filling import fill
from benchmarks.memory.lab import Lab
from benchmarks.memory.talks import Event, Talk
from benchmarks.memory.wording import Wording
from benchmarks.streaming import post

TURNS_OF_A_USER = 1_000
TALKS_OF_A_USER = 4
USERS = 300
LONG = 10_000
"""Turns of one user more, in a single conversation."""

QUESTIONS = 300
WARM_UP = 30
MOST_MILLISECONDS = 30.0
BUDGET = 8_000
"""What chat asks for by default."""


@dataclass
class Asker:
    """Somebody with a past: one of their conversations, and questions about what they said."""

    talk: Talk
    questions: list[str]


def measure(scale: float) -> Iterator[Figure]:
    """Fills a file, starts the service on it, and asks."""
    users = max(2, round(USERS * scale))
    with tempfile.TemporaryDirectory() as folder:
        askers: dict[str, Asker] = {}
        fill(Path(folder) / "memory", _everybody(users, max(100, round(LONG * scale)), askers))
        size = (Path(folder) / "memory/data.sqlite3").stat().st_size / 1e6
        stored = users * TURNS_OF_A_USER + len(askers["user_long"].talk.turns)
        yield merely("turns stored for the searches", f"{stored:,} in {size:,.0f} MB")
        with Lab(Path(folder), fold_high_tokens=10**9) as lab:
            for owner, what in (("user_1", "a user with 1,000 turns among them"), ("user_long", "10,000 in one talk")):
                yield from ask(lab, askers[owner], what)


def ask(lab: Lab, asker: Asker, what: str) -> Iterator[Figure]:
    """Times the public search and the context that chat is given."""
    owner, talk = asker.talk.owner, asker.talk
    token = lab.auth.access_token(owner)

    def search(question: str) -> bytes:
        return get(f"/v1/memory/search?{urlencode({'q': question, 'limit': 10})}", token)

    def context(question: str) -> bytes:
        asked = {"owner": owner, "conversation_id": talk.id, "tail": talk.tail(), "query": question}
        return post("/internal/context", lab.chat_token(), asked | {"token_budget": BUDGET})

    yield _timed(lab, f"search p95, {what}", search, asker.questions)
    yield _timed(lab, f"context with recall p95, {what}", context, asker.questions)


def _timed(lab: Lab, name: str, request: Callable[[str], bytes], questions: list[str]) -> Figure:
    with Line(lab.port) as line:
        times = [line.ask(request(question), 200) * 1e3 for question in questions][WARM_UP:]
    figure = at_most(name, percentile(times, 0.95), MOST_MILLISECONDS, form="{:.1f} ms")
    return replace(figure, seen=f"{figure.seen} (p50 {percentile(times, 0.5):.1f})")


def _everybody(users: int, long: int, askers: dict[str, Asker]) -> Iterator[Event]:
    """All turns, user by user; notes in `askers` who is to ask."""
    for number in range(users):
        yield from _user(f"user_{number}", TALKS_OF_A_USER, TURNS_OF_A_USER // TALKS_OF_A_USER, askers)
    yield from _user("user_long", 1, long, askers)


def _user(owner: str, talks: int, turns: int, askers: dict[str, Asker]) -> Iterator[Event]:
    questions: list[str] = []
    for number in range(talks):
        wording, talk = Wording(f"{owner} {number}"), Talk(owner)
        for _ in range(turns):
            said = wording.text(wording.chance.randint(5, 30))
            yield talk.turn(said, wording.text(wording.chance.randint(10, 60)))
        told = wording.chance.choices([said.user for said in talk.turns.values()], k=(QUESTIONS + WARM_UP) // talks)
        questions += map(wording.question, told)
    if owner in ("user_1", "user_long"):
        askers[owner] = Asker(talk, questions)
