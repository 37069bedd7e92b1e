"""Does turn 2,000 of a conversation cost more than turn 10?

Run it as `make bench-long-talk`; README.md says how to read it.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import uvloop

from benchmarks.pinned_stack import PARTS, Person, PinnedStack, pinned_stack
from benchmarks.streaming import TOKEN, Talker, post
from benchmarks.surroundings import surroundings, verdict

AS_FAST_AS_POSSIBLE = 0.0
EARLY, SETTLED, LATE = 10, 100, 2_000
"""By the second, memory has as much as a context has room for."""

AROUND = 5
"""Turns before and after that count too."""

TALKS = 4
MOST = 1.2
TOKENS = 40
SUBJECTS = ("tide", "lamp", "harbour", "storm", "gull", "rope", "chart", "bell", "fog", "anchor", "pier", "net", "oar")
TURNS_A_CONNECTION = 500


@dataclass
class Cost:
    """Of some turns: seconds of each until its end, and CPU seconds of all together."""

    seconds: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    @property
    def cpu_of_turn(self) -> float:
        """Seconds of all processes."""
        return sum(self.cpu.values()) / len(self.seconds)

    def show(self, name: str) -> None:
        """One line."""
        parts = ", ".join(f"{part} {used / len(self.seconds) * 1e3:.1f}" for part, used in self.cpu.items())
        took = statistics.median(self.seconds) * 1e3
        print(f"{name:12} {took:6.1f} ms, CPU {self.cpu_of_turn * 1e3:5.1f} ms ({parts})", flush=True)


def main() -> None:
    """Exits with 1 when a late turn costs too much more than an early one."""
    arguments = _arguments()
    print(surroundings(), flush=True)
    costs = {turn: Cost() for turn in (EARLY, SETTLED, arguments.late)}
    with pinned_stack(AS_FAST_AS_POSSIBLE) as system:
        for person in system.sign_up(arguments.talks, "talk"):
            talk = Talk(system, person)
            for turn, cost in costs.items():
                talk.go_on_to(turn - AROUND)
                talk.measure(cost, turn + AROUND)
            print(f"a talk of {talk.turns} turns", flush=True)
    for turn, cost in costs.items():
        cost.show(f"turn {turn}")
    late = costs[arguments.late].cpu_of_turn
    verdict(
        *(
            (f"turn {arguments.late} costs ≤ {MOST} × the CPU of turn {turn}", late / cpu, late <= MOST * cpu)
            for turn, cpu in ((turn, costs[turn].cpu_of_turn) for turn in (EARLY, SETTLED))
        )
    )


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--late", type=int, default=LATE, help="the late turn")
    ask.add_argument("--talks", type=int, default=TALKS, help="how many conversations are led")
    return ask.parse_args()


class Talk:
    """One conversation, turn after turn; every turn says something new."""

    def __init__(self, system: PinnedStack, person: Person) -> None:
        self._system = system
        self._person = person
        self.turns = 0

    def go_on_to(self, turn: int) -> None:
        """So far, not measured."""
        uvloop.run(self._say(turn, lambda _: None))

    def measure(self, cost: Cost, turn: int) -> None:
        """So far; what was left to do from before is waited for first."""
        time.sleep(1.0)
        before = self._system.cpu_seconds()
        uvloop.run(self._say(turn, cost.seconds.append))
        time.sleep(1.0)  # what follows a turn belongs to it
        after = self._system.cpu_seconds()
        for part in PARTS:
            cost.cpu[part] += after[part] - before[part]

    async def _say(self, turn: int, note: Callable[[float], None]) -> None:
        talker = await Talker.connect(self._system.port)
        while self.turns < turn:
            self.turns += 1
            if self.turns % TURNS_A_CONNECTION == 0:  # nginx closes one after a thousand requests
                talker.close()
                talker = await Talker.connect(self._system.port)
            answer = await talker.ask(post("/v1/responses", self._person.token, self._body()), TOKEN)
            if answer.status != 200 or not answer.first_token:
                raise ValueError(f"turn {self.turns} was answered with {answer.text[:300]!r}")
            note(answer.seconds)
        talker.close()

    def _body(self) -> dict[str, object]:
        subject, other = (SUBJECTS[self.turns // step % len(SUBJECTS)] for step in (1, len(SUBJECTS)))
        text = f"On day {self.turns} the keeper wrote about the {subject} and the {other}. What did he write before?"
        return {
            "model": "deepthinks",
            "conversation": self._person.conversation,
            "input": text,
            "stream": True,
            "max_output_tokens": TOKENS,
        }


if __name__ == "__main__":
    main()
