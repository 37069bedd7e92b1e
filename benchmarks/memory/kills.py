"""kill -9 where it hurts, again and again: is every turn there afterwards, once, and all that is made of them?"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.lab import Lab
from benchmarks.memory.replies import HELD, fold_reply
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Event, Talk

SETTINGS = {
    "short_term_memory_k": 4,
    "summarizer_max_tokens": 100_000,
    "summarizer_timeout_seconds": 2,
    "fold_lease_seconds": 2.5,
    "fold_first_retry_seconds": 0.05,
    "fold_longest_retry_seconds": 0.2,
}
TURNS = 12
"""Of a conversation in one round: enough for several folds."""
LONGEST_DELIVERY_SECONDS = 0.03
LONGEST_COMMIT_SECONDS = 0.008
SLOW = {"match": {}, "fault": {"before_headers_seconds": 0.05}}
LOOK = """
select (select count(*) from jobs where conversation_id = :talk and reply is not null),
       (select sum(folded_through) from branches where conversation_id = :talk),
       (select count(*) from episodes where conversation_id = :talk),
       (select count(*) from facts where owner = :owner)
"""
LONG_REPLY_CHARACTERS = 200_000
TRIES_FOR_A_KILL = 5
"""The moment may be missed."""
SEEN_WITHIN_SECONDS = 2.0


@dataclass
class Killing:
    """What was killed how often at which point, and what was wrong afterwards."""

    lab: Lab
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)


def killed(folder: Path, times: int, seed: str = "kills") -> tuple[Figure, list[str]]:
    """Kills the service so often at each of four points; the row of the table, and what was wrong."""
    sayings, chance = Sayings(seed), random.Random(seed)
    with Lab(folder, **SETTINGS) as lab:
        killing = Killing(lab)
        for point, strike in POINTS.items():
            for _ in range(times * TRIES_FOR_A_KILL):
                if killing.kills[point] < times:
                    _round(killing, sayings, chance, point, strike)
            killing.faults += [f"never killed {point}"] * (killing.kills[point] < times)
        lab.until_idle()
        killing.faults += violations(lab, *killing.talks) + _said_twice(lab)
    done = (
        f"{killing.kills.total()} kills at {len(POINTS)} points, {sum(len(each.turns) for each in killing.talks)} turns"
    )
    name = "turns lost or doubled, gaps, facts without a source: kill -9, redelivery"
    return Figure(name, "0", f"{len(killing.faults)} ({done})", not killing.faults), killing.faults


Strike = Callable[[Lab, list[Event], random.Random], bool]
"""Delivers the events and kills the service; False when the moment was missed."""


def _round(killing: Killing, sayings: Sayings, chance: random.Random, point: str, strike: Strike) -> None:
    """A conversation begins or goes on, the service dies, and chat delivers again what was not confirmed and more."""
    lab = killing.lab
    talk = (
        chance.choice(killing.talks) if killing.talks and chance.random() < 0.3 else Talk(f"user_{len(killing.talks)}")
    )
    if talk not in killing.talks:
        killing.talks.append(talk)
    events = [talk.turn(*sayings.turn(), after=_fork(talk, chance)) for _ in range(TURNS)]
    killing.kills[point] += strike(lab, events, chance)
    killing.faults += [f"dead, {point}: {fault}" for fault in violations(lab)]
    lab.start()
    lab.llm.behave()
    lab.deliver(*events, *chance.sample(events, 3))
    killing.faults += [f"back, {point}: {fault}" for fault in violations(lab, talk)]


def _fork(talk: Talk, chance: random.Random) -> str | None:
    """Now and then a turn goes on from an older one."""
    older = list(talk.turns)[-6:]
    return chance.choice(older) if older and chance.random() < 0.08 else None


def _while_delivering(lab: Lab, events: list[Event], chance: random.Random) -> bool:
    """In the middle of a delivery: in it, or between its commit and the answer."""
    first = chance.randint(0, TURNS - 1)
    lab.deliver(*events[:first])
    delivery = threading.Thread(target=_deliver_to_the_dead, args=(lab, events[first:]))
    delivery.start()
    time.sleep(chance.uniform(0, LONGEST_DELIVERY_SECONDS))
    lab.kill()
    delivery.join()
    return True


def _while_asking(lab: Lab, events: list[Event], chance: random.Random) -> bool:
    """While the summariser thinks."""
    lab.llm.misbehave(HELD)
    lab.deliver(*events)
    lab.until(lab.llm.open_streams, "the summariser is asked")
    lab.kill()
    return True


def _with_the_reply(lab: Lab, events: list[Event], chance: random.Random) -> bool:
    """The reply is on disk and was not used yet: it is so long that judging it takes a while."""
    said = events[0]["data"]["user_text"]
    long = f"{said} " * (LONG_REPLY_CHARACTERS // len(said))
    lab.llm.misbehave(fold_reply(events[0]["data"]["turn_id"], said, summary=long))
    lab.deliver(*events)
    with _watching(lab, events) as seen:
        _as_soon_as(lambda: seen().has_reply)
        lab.kill()
        return seen().has_reply


def _around_the_commit(lab: Lab, events: list[Event], chance: random.Random) -> bool:
    """Before, in, or after the commit of episode, facts and pointer; half the times as soon as any of it is there."""
    lab.llm.misbehave(SLOW)
    with _watching(lab, events) as seen:
        lab.deliver(*events)
        _as_soon_as(lambda: seen().has_reply)
        if chance.random() < 0.5:
            before = seen()
            _as_soon_as(lambda: seen().made != before.made)
        else:
            time.sleep(chance.uniform(0, LONGEST_COMMIT_SECONDS))
        lab.kill()
    return True


class _Seen(NamedTuple):
    """Of a conversation: whether a fold has its reply, and what folds have made."""

    has_reply: bool
    made: tuple[Any, ...]


@contextmanager
def _watching(lab: Lab, events: list[Event]) -> Iterator[Callable[[], _Seen]]:
    with lab.database() as database:

        def look() -> _Seen:
            [[replies, *made]] = database.execute(LOOK, {"talk": events[0]["key"], "owner": events[0]["data"]["owner"]})
            return _Seen(replies > 0, tuple(made))

        yield look


def _as_soon_as(seen: Callable[[], bool]) -> None:
    """Without a pause; or when it is too late for it."""
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    while not seen() and time.monotonic() < deadline:
        pass


def _deliver_to_the_dead(lab: Lab, events: list[Event]) -> None:
    with suppress(httpx.HTTPError):
        lab.deliver(*events)


def _said_twice(lab: Lab) -> list[str]:
    """A fact that a fold found is there once for each owner, however often the fold was begun."""
    with lab.database() as database:
        rows = database.execute(
            "select owner, text, count(*) from facts group by owner, lower(text) having count(*) > 1"
        )
        return [f"{owner}: {count} facts say {text!r}" for owner, text, count in rows]


POINTS: dict[str, Strike] = {
    "while turns are delivered": _while_delivering,
    "while the model is asked": _while_asking,
    "once the reply is saved": _with_the_reply,
    "around the commit": _around_the_commit,
}
