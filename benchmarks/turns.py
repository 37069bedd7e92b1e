"""What a streamed, stored turn costs above the bound: nginx passing straight to the model.

Run it as `make bench-turns`; README.md says how to read it.
"""

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import uvloop

from benchmarks.asking import percentile
from benchmarks.pinned_stack import PARTS, Person, PinnedStack, pinned_stack
from benchmarks.streaming import MODEL_TOKEN, TOKEN, Answer, Talker, post
from benchmarks.surroundings import surroundings, verdict

PACE = 50
TOKENS = 40
TURN_SECONDS = TOKENS / PACE
LEVELS = (1, 10, 50, 100, 200)
MUST_LEVEL = 50
LEAST_PACE = 0.95
MOST_ADDED = 0.015
"""Seconds."""
MOST_CPU = 0.008
"""Seconds of all processes together."""

TURNS_BEFORE = 4
QUESTION = "Note: the lighthouse keeper counts the ships every night and writes them down in a long grey book. " * 2
ENDED_WELL = b"event: response.incomplete"
"""The model is cut short at so many tokens."""


@dataclass
class Level:
    """What came of so many people, each of whom asks again once answered."""

    people: int
    wait: float
    """Seconds between the first turns of two people."""
    seconds: float = 0.0
    is_over: bool = False
    answers: list[Answer] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Turns a second."""
        return len(self.answers) / self.seconds

    def first_token(self, share: float) -> float:
        """Seconds."""
        return percentile([answer.first_token or 0.0 for answer in self.answers], share)

    def cpu_of_turn(self, *parts: str) -> float:
        """Seconds."""
        return sum(self.cpu[part] for part in parts) / len(self.answers)


def main() -> None:
    """Exits with 1 when a figure misses what issue 4 aims at."""
    arguments = _arguments()
    print(surroundings(), flush=True)
    with pinned_stack(PACE) as system:
        people = system.sign_up(max(arguments.levels), "turns")
        asked = uvloop.run(_what_chat_asks(system))
        levels = {}
        for count in arguments.levels:
            bound = uvloop.run(_bound(system, count, asked, arguments))
            turns = uvloop.run(_turns(system, people[:count], arguments))
            levels[count] = bound, turns
            _show(bound, turns)
    if MUST_LEVEL in levels:
        _judge(*levels[MUST_LEVEL])


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--levels", type=int, nargs="+", default=LEVELS, help="people at the same time")
    ask.add_argument("--seconds", type=float, default=8.0, help="how long each level is measured")
    ask.add_argument("--at-once", action="store_true", help="all begin in the same moment, not spread over a turn")
    return ask.parse_args()


async def _what_chat_asks(system: PinnedStack) -> bytes:
    """What the model gets for a turn after some others, to be asked without us: its reading is no cost of ours."""
    person = system.sign_up(1, "asked")[0]
    talker = await Talker.connect(system.port)
    for _ in range(TURNS_BEFORE):
        await talker.ask(_turn_of(person), TOKEN)
    talker.close()
    listed = httpx.get(f"http://127.0.0.1:{system.model_port}/_offline/requests?limit=1000").raise_for_status().json()
    bodies = [each["body"] for each in listed["data"] if each["path"] == "/v1/chat/completions"]
    return post("/v1/chat/completions", "any", bodies[-1])


async def _bound(system: PinnedStack, count: int, asked: bytes, arguments: argparse.Namespace) -> Level:
    return await _level(system, system.bound.port, [asked] * count, MODEL_TOKEN, arguments)


async def _turns(system: PinnedStack, people: list[Person], arguments: argparse.Namespace) -> Level:
    return await _level(system, system.port, [_turn_of(person) for person in people], TOKEN, arguments)


def _turn_of(person: Person) -> bytes:
    body = {"model": "deepthinks", "input": QUESTION, "stream": True, "max_output_tokens": TOKENS}
    return post("/v1/responses", person.token, {**body, "conversation": person.conversation})


async def _level(
    system: PinnedStack, port: int, requests: list[bytes], mark: bytes, arguments: argparse.Namespace
) -> Level:
    """Closed loop: what ends in so many seconds counts, not what ended while all began; who has begun may finish."""
    level = Level(len(requests), wait=0.0 if arguments.at_once else TURN_SECONDS / len(requests))
    talkers = [await Talker.connect(port) for _ in requests]
    loops = [
        asyncio.create_task(_talk(level, talker, request, mark, number))
        for number, (talker, request) in enumerate(zip(talkers, requests, strict=True))
    ]
    await asyncio.sleep(2 * TURN_SECONDS)
    before, started = system.cpu_seconds(), time.perf_counter()
    level.answers.clear()
    level.errors.clear()
    await asyncio.sleep(arguments.seconds)
    level.is_over = True
    level.seconds = time.perf_counter() - started
    after = system.cpu_seconds()
    level.cpu = {part: after[part] - before[part] for part in after}
    await asyncio.gather(*loops)
    for talker in talkers:
        talker.close()
    return level


async def _talk(level: Level, talker: Talker, request: bytes, mark: bytes, number: int) -> None:
    await asyncio.sleep(level.wait * number)
    while not level.is_over:
        answer = await talker.ask(request, mark)
        if not level.is_over:
            level.answers.append(answer)
            level.errors.update(_problems(answer, mark))


def _problems(answer: Answer, mark: bytes) -> list[str]:
    if answer.status != 200:
        return [str(answer.status)]
    if mark is TOKEN and ENDED_WELL not in b"".join(answer.pieces[-2:]):
        return ["ended otherwise"]
    return [] if answer.first_token else ["no token"]


def _show(bound: Level, turns: Level) -> None:
    print(
        f"\n{turns.people} people: {turns.rate:.1f} turns/s, {turns.rate / bound.rate:.2f} of the bound's"
        f" {bound.rate:.1f}; errors {dict(turns.errors | bound.errors) or 0}"
    )
    for share in (0.5, 0.99):
        mine, other = turns.first_token(share), bound.first_token(share)
        print(
            f"  first token p{share * 100:.0f} {mine * 1e3:7.1f} ms, {(mine - other) * 1e3:+7.1f} ms,"
            f" × {mine / other:.1f} of the bound's {other * 1e3:.1f}"
        )
    whole = [sum(answer.seconds for answer in level.answers) / len(level.answers) for level in (turns, bound)]
    print(f"  whole turn {whole[0]:.3f} s, bound {whole[1]:.3f} s")
    shown = ", ".join(f"{part} {turns.cpu_of_turn(part) * 1e3:.2f}" for part in PARTS)
    cpu = turns.cpu_of_turn(*PARTS)
    model = turns.cpu["offline-llm"] / turns.seconds
    print(f"  CPU of a turn {cpu * 1e3:.2f} ms ({shown}), bound {bound.cpu_of_turn('bound') * 1e3:.2f};", end=" ")
    print(f"{cpu / TOKENS * 1e6:.0f} µs a token; the model's process {model:.0%} of a core", flush=True)


def _judge(bound: Level, turns: Level) -> None:
    pace = turns.rate * TURN_SECONDS / turns.people
    added = turns.first_token(0.5) - bound.first_token(0.5)
    cpu = turns.cpu_of_turn(*PARTS)
    verdict(
        (f"{turns.people} streams at ≥ {LEAST_PACE} of full pace", pace, pace >= LEAST_PACE),
        (f"≤ {MOST_ADDED * 1e3:.0f} ms added to the first token, p50", added * 1e3, added <= MOST_ADDED),
        (f"≤ {MOST_CPU * 1e3:.0f} ms CPU a turn, all processes", cpu * 1e3, cpu <= MOST_CPU),
        ("no errors", sum(turns.errors.values()), not turns.errors),
    )


if __name__ == "__main__":
    main()
