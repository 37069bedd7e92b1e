"""Facts planted in talks whose answers are long: are they found, by recall for a question or by search?

Half are in the user's words, half in the middle of an answer of 300 to 1,500 words, where nothing else is about them.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory.figures import Figure, at_least, merely
from benchmarks.memory.filling import fill
from benchmarks.memory.lab import Lab
from benchmarks.memory.planted import Needle, needles
from benchmarks.memory.talks import Event, Talk
from benchmarks.memory.wording import Wording

TURNS = 10_000
NEEDLES = 200
ANSWER_WORDS = (300, 1_500)
SEARCHED = 10
"""So many results of a search are looked at."""

BUDGET = 8_000
MUST = 98.0


@dataclass(frozen=True)
class Planted:
    """Where a needle is hidden."""

    needle: Needle
    by_user: bool

    def is_in(self, *texts: str) -> bool:
        """Whether the answer can be read there."""
        return any(re.search(rf"\b{self.needle.value}\b", text) for text in texts)


def measure(scale: float) -> Iterator[Figure]:
    """Fills a file with one conversation, starts the service on it and asks."""
    count = max(10, round(NEEDLES * scale))
    with tempfile.TemporaryDirectory() as folder:
        talk, planted = Talk(), list[Planted]()
        fill(Path(folder) / "memory", haystack(talk, max(50, round(TURNS * scale)), count, planted))
        with Lab(Path(folder)) as lab:
            recalled, searched = hunted(lab, talk, planted)
        yield from _figures(len(talk.turns), planted, recalled, searched)


def haystack(talk: Talk, turns: int, count: int, planted: list[Planted]) -> Iterator[Event]:
    """The conversation's events; notes in `planted` what is hidden where."""
    wording = Wording("needles")
    hidden = dict(zip(wording.chance.sample(range(turns), count), needles(count, "needles"), strict=True))
    for number in range(turns):
        said = wording.text(wording.chance.randint(5, 60))
        answered = wording.text(wording.chance.randint(*ANSWER_WORDS))
        needle, by_user = hidden.get(number), wording.chance.random() < 0.5
        if needle and by_user:
            said = f"{said} {needle.fact}"
        elif needle:
            middle = answered.index(". ", len(answered) // 3) + 2
            answered = f"{answered[:middle]}{needle.fact} {answered[middle:]}"
        if needle:
            planted.append(Planted(needle, by_user))
        yield talk.turn(said, answered)


def hunted(lab: Lab, talk: Talk, planted: Sequence[Planted]) -> tuple[set[Planted], set[Planted]]:
    """Asks for each; those whose value stands in the context that chat is given, and in results of a search."""
    recalled, searched = set[Planted](), set[Planted]()
    with lab.http(talk.owner) as user:
        for each in planted:
            question = each.needle.question
            context = lab.context(talk, question, BUDGET)
            shown = [context["recall"] or "", *(message["content"] for message in context["messages"])]
            answer = user.get("/v1/memory/search", params={"q": question, "limit": SEARCHED}).raise_for_status()
            excerpts = [text for turn in answer.json()["data"] for text in (turn["user"], turn["assistant"])]
            if each.is_in(*shown):
                recalled.add(each)
            if each.is_in(*excerpts):
                searched.add(each)
    return recalled, searched


def _figures(
    turns: int, planted: Sequence[Planted], recalled: set[Planted], searched: set[Planted]
) -> Iterator[Figure]:
    found = recalled | searched
    name = f"{len(planted)} needles in {turns:,} turns with long answers"
    yield at_least(f"{name}: found in context or search", _share(planted, found), MUST, form="{:.1f} %")
    yield merely("- in the context, with 1,500 tokens of recall", f"{_share(planted, recalled):.1f} %")
    yield merely(f"- among {SEARCHED} results of search", f"{_share(planted, searched):.1f} %")
    for by_user, where in ((True, "in the user's words"), (False, "inside a long answer")):
        mine = [each for each in planted if each.by_user is by_user]
        yield merely(f"- of those {where}, either way", f"{_share(mine, found):.1f} %")


def _share(planted: Sequence[Planted], there: set[Planted]) -> float:
    return 100 * sum(each in there for each in planted) / max(1, len(planted))
