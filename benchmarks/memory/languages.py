"""Needles in other languages than English: what is asked has other forms of the words than what was said.

The texts are in haystacks/, a file for each language; the filler is about the same things as the needles.
"""

import random
import re
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from benchmarks.memory.figures import Figure, at_least, merely
from benchmarks.memory.filling import fill
from benchmarks.memory.lab import Lab
from benchmarks.memory.talks import Event, Talk

HAYSTACKS = Path(__file__).parent / "haystacks"
ASKED_FOR = ("chinese", "german", "arabic")
"""Those that must be found; the others are measured."""

MORE = ("japanese", "korean", "russian", "french", "thai")
TURNS = 1_000
SENTENCES_SAID = (1, 3)
SENTENCES_ANSWERED = (2, 5)
RESULTS = 10
MUST_AT_10 = 90.0

_SLOT = re.compile(r"\{(\w+)\}")
_ENDS_WITHOUT_SPACE = ("。", "？", "！")


@dataclass(frozen=True)
class Haystack:
    """One language: needles as (what was said, what is asked), and what everything else is made of."""

    language: str
    needles: list[tuple[str, str]]
    said: list[str]
    answered: list[str]
    words: dict[str, list[str]]

    def text(self, chance: random.Random, forms: list[str], sentences: int) -> str:
        """Different sentences, each with words of its own."""
        made = (
            _SLOT.sub(lambda slot: chance.choice(self.words[slot[1]]), form) for form in chance.sample(forms, sentences)
        )
        return joined(*made)


def measure(scale: float) -> Iterator[Figure]:
    """Everyone speaks one language; all are in one file."""
    languages = [haystack(name) for name in (*ASKED_FOR, *MORE)]
    with tempfile.TemporaryDirectory() as folder:
        hidden: dict[str, list[tuple[str, str]]] = {}
        turns = max(100, round(TURNS * scale))
        fill(Path(folder) / "memory", (event for each in languages for event in told(each, turns, hidden)))
        with Lab(Path(folder)) as lab:
            for each in languages:
                with lab.http(each.language) as user:
                    yield figure(each, turns, [rank(user, *asked) for asked in hidden[each.language]])


def haystack(language: str) -> Haystack:
    """As its file says."""
    file = tomllib.loads((HAYSTACKS / f"{language}.toml").read_text("utf-8"))
    filler = file["filler"]
    needles = [(said, asked) for said, asked in file["needles"]]
    return Haystack(language, needles, filler["said"], filler["answered"], filler["words"])


def told(haystack: Haystack, turns: int, hidden: dict[str, list[tuple[str, str]]]) -> Iterator[Event]:
    """One conversation's events; notes in `hidden` each question and the id of the turn that answers it."""
    chance, talk = random.Random(haystack.language), Talk(haystack.language)
    places = dict(zip(chance.sample(range(turns), len(haystack.needles)), haystack.needles, strict=True))
    questions = hidden.setdefault(haystack.language, [])
    for number in range(turns):
        said = haystack.text(chance, haystack.said, chance.randint(*SENTENCES_SAID))
        if number in places:
            said = joined(said, places[number][0])
        event = talk.turn(said, haystack.text(chance, haystack.answered, chance.randint(*SENTENCES_ANSWERED)))
        if number in places:
            questions.append((places[number][1], event["data"]["turn_id"]))
        yield event


def rank(user: httpx.Client, question: str, turn_id: str) -> int | None:
    """At which place of the results the turn is, from 1; None when it is not among them."""
    answer = user.get("/v1/memory/search", params={"q": question, "limit": RESULTS}).raise_for_status()
    found = [each["id"] for each in answer.json()["data"]]
    return found.index(turn_id) + 1 if turn_id in found else None


def figure(haystack: Haystack, turns: int, ranks: list[int | None]) -> Figure:
    """Share of the questions whose answer is found among the first 1, 5 and 10."""
    at = {most: 100 * sum(rank is not None and rank <= most for rank in ranks) / len(ranks) for most in (1, 5, RESULTS)}
    name = f"{haystack.language.capitalize()}: {len(ranks)} needles in {turns:,} turns, found at 10"
    first = f" (at 1: {at[1]:.0f}, at 5: {at[5]:.0f})"
    if haystack.language not in ASKED_FOR:
        return merely(name, f"{at[RESULTS]:.0f} %{first}")
    judged = at_least(name, at[RESULTS], MUST_AT_10, form="{:.0f} %")
    return replace(judged, seen=judged.seen + first)


def joined(*sentences: str) -> str:
    """With a space between them where the script has one."""
    text = ""
    for sentence in sentences:
        text += sentence if not text or text.endswith(_ENDS_WITHOUT_SPACE) else f" {sentence}"
    return text
