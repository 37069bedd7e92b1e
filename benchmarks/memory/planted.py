"""Needles for English haystacks: facts of which many look alike, and questions that word them otherwise.

Their forms are in planted.toml.
"""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PIECES = "ba cor del fen gis hol jun kav lom mer nol pir quil ras sor tam ulv vex wyn zor".split()
NAMES = 0.6
"""Share of the answers that are a name; the others are a number."""


@dataclass(frozen=True)
class Needle:
    """A fact, a question for it, and the word by which its place is known."""

    fact: str
    question: str
    value: str


def needles(count: int, seed: str) -> Iterator[Needle]:
    """So many, each with a value that no other text has; at most ten of a form, each about something else."""
    chance = random.Random(seed)
    every = [(form, one) for form in _FILE["form"] for one in _FILE["about"][form["about"]]]
    values = _values(chance)
    for form, one in chance.sample(every, count):
        value = next(values)
        yield Needle(form["said"].format(one=one, value=value), form["asked"].format(one=one), value)


def _values(chance: random.Random) -> Iterator[str]:
    """Names that nobody has, and numbers."""
    given: set[str] = set()
    while True:
        name = "".join(chance.choices(_PIECES, k=3)).capitalize()
        value = name if chance.random() < NAMES else str(chance.randint(10_000, 99_999))
        if value not in given:
            given.add(value)
            yield value
