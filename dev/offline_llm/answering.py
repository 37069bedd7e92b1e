"""Answers from the messages alone: the passages that share the question's rarest words, word for word."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import log

from dev.offline_llm.language import QUESTION_MARKS, content_stems, same_words, squeezed, words
from dev.offline_llm.passages import ASSISTANT, DOCUMENT, SYSTEM, USER, Material, Passage, is_question, stems_of

INTRODUCTION = (
    "I am Deepthinks' offline stand-in model: no network, no key; I answer only from what this conversation gives me."
)
NOTHING_FOUND = "Nothing in the conversation I was given answers that."
NOTED = "Noted: "
GREETING = "Hello! Ask me about anything that this conversation or its files contain."

_TRUST = {USER: 1.1, DOCUMENT: 1.0, ASSISTANT: 0.5, SYSTEM: 0.5}
_OWN_QUESTION = 0.1  # what was asked before seldom answers
_LEAST_COVERAGE = 0.25  # of the question's weight, below which nothing bears on it
_HEADER = 0.7  # what a word in a table's header counts for each of its rows
_AS_GOOD_AS = 0.75  # of the best score, to be quoted next to it
_MOST_QUOTED = 3
_SHORT_TALK = 8  # passages
_PARTICULAR = re.compile(r"(?<=\s)[A-Z][^\W_]+|\d+")
_ATTRIBUTES = frozenset(("nam", "number", "date", "day", "time", "year", "plac", "thing", "kind"))
_MONTHS = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday today yesterday tomorrow week month year""".split()
)
_GREETINGS = frozenset("hello hi hey good morning afternoon evening day there everyone all deepthinks".split())
_ABOUT_ME = frozenset(("i", "me", "my", "myself"))
_OVERVIEW = frozenset(("summaris", "summariz", "summary", "overview", "gist", "describ", "explain"))


@dataclass(frozen=True)
class Reading:
    """The passages of a conversation with the weight of every word in it."""

    material: Material

    @cached_property
    def stems(self) -> list[set[str]]:
        """Content stems, passage by passage."""
        return [stems_of(passage) for passage in self.material.passages]

    @cached_property
    def headers(self) -> dict[str, frozenset[str]]:
        """Content stems of each table header."""
        return {header: frozenset(content_stems(header)) for header in {p.header for p in self.material.passages}}

    @cached_property
    def weights(self) -> dict[str, float]:
        """Rare words weigh more (inverse document frequency over the passages)."""
        seen = Counter(stem for stems in self.stems for stem in stems)
        total = len(self.stems)
        return {stem: log(1 + total / times) for stem, times in seen.items()}

    def weight(self, stem: str) -> float:
        """A word that occurs nowhere weighs as much as the rarest: what is asked for may not be here."""
        return self.weights.get(stem, log(1 + max(len(self.stems), _SHORT_TALK)))

    def wanted(self, question: str) -> dict[str, float]:
        """The question's words with their weights: names and numbers count double, "name" and the like little."""
        named = set(content_stems(" ".join(_PARTICULAR.findall(question))))
        return {
            stem: self.weight(stem) * (2 if stem in named else 0.3 if stem in _ATTRIBUTES else 1)
            for stem in content_stems(question)
        }

    def best(self, question: str) -> list[tuple[float, Passage]]:
        """Passages that bear on the question with their scores, best first; ties go to the later one."""
        weights = self.wanted(question)
        wanted, whole = weights.keys(), sum(weights.values())
        if not whole:
            return []
        echo, asked = same_words(question), words(question)
        found = []
        for passage, stems in zip(self.material.passages, self.stems, strict=True):
            named = self.headers[passage.header]
            covered = sum(weights[stem] for stem in wanted & stems)
            covered += _HEADER * sum(weights[stem] for stem in (wanted & named) - stems)
            if covered / whole >= _LEAST_COVERAGE and same_words(passage.text) != echo:
                found.append((covered / whole * _credit(passage, len(stems), asked), passage))
        return sorted(found, key=lambda scored: (-scored[0], -scored[1].order))

    def gist(self, most: int) -> list[Passage]:
        """The passages that say most: rare words, names and numbers; in their order."""
        scored = [
            (sum(map(self.weight, stems)) / (6 + len(stems)) + 0.2 * _has_figures(passage.text), passage)
            for passage, stems in zip(self.material.passages, self.stems, strict=True)
            if stems and passage.source in (USER, DOCUMENT) and not passage.text.rstrip().endswith(QUESTION_MARKS)
        ]
        scored.sort(key=lambda pair: (-pair[0], pair[1].order))
        return sorted((passage for _, passage in scored[:most]), key=lambda passage: passage.order)


def answer(material: Material) -> str:
    """What the material says about its question, or that it says nothing; a statement is acknowledged."""
    text = _reply(material)
    return f"{INTRODUCTION}\n\n{text}" if material.first_answer else text


def relevant(material: Material) -> list[Passage]:
    """The passages that answer, those said first coming first."""
    return _relevant(Reading(material))


def _reply(material: Material) -> str:
    if not is_question(material.question):
        return _acknowledgement(material.question)
    found = _relevant(Reading(material))
    return _together(found) if found else NOTHING_FOUND


def _relevant(reading: Reading) -> list[Passage]:
    question = reading.material.question
    scored = reading.best(question)
    if not scored:
        asked = set(words(question))
        stems = set(content_stems(question))
        if stems & _OVERVIEW or ("about" in asked and not asked & _ABOUT_ME):
            return reading.gist(_MOST_QUOTED)
        return _about_the_user(reading) if asked & _ABOUT_ME and not stems else []
    chosen: dict[str, Passage] = {}
    for score, passage in scored:
        if score < scored[0][0] * _AS_GOOD_AS or len(chosen) == _MOST_QUOTED:
            break
        chosen.setdefault(same_words(passage.text), passage)
    return sorted(chosen.values(), key=lambda passage: passage.order)


def _about_the_user(reading: Reading) -> list[Passage]:
    """For questions such as "Who am I?", which have no word to look for."""
    said = [p for p in reading.material.passages if p.source in (USER, DOCUMENT) and not is_question(p.text)]
    return [p for p in said if _ABOUT_ME & set(words(p.text))][:_MOST_QUOTED]


def _acknowledgement(statement: str) -> str:
    if set(words(statement)) <= _GREETINGS:
        return GREETING
    said = squeezed(statement)
    return NOTED + (said if len(said) <= 240 else said[:240].rsplit(" ", 1)[0] + "…")


def _together(passages: list[Passage]) -> str:
    """Quotes under each other; rows of one table share its header."""
    lines, header = list[str](), ""
    for passage in passages:
        lines.append(passage.text if passage.header and passage.header == header else passage.quoted)
        header = passage.header
    return "\n".join(lines)


def _credit(passage: Passage, size: int, asked: list[str]) -> float:
    """Who said it, how much else it says, and whether it has the kind of thing that is asked for."""
    trust = _OWN_QUESTION if passage.text.rstrip().endswith(QUESTION_MARKS) else _TRUST[passage.source]
    return trust * (1 + 0.15 * _fits(asked, passage.text)) / (1 + size / 200)


def _fits(asked: list[str], text: str) -> bool:
    """Whether a who finds a name, a when a date, a how many a number."""
    if "when" in asked or "date" in asked:
        return _has_digit(text) or bool(_MONTHS & set(words(text)))
    if "many" in asked or "much" in asked or "old" in asked:
        return _has_digit(text)
    if "who" in asked or "where" in asked or "name" in asked:
        return any(word[0].isupper() for word in text.split()[1:])
    return False


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _has_figures(text: str) -> bool:
    return _has_digit(text) or any(word[0].isupper() and word != "I" for word in text.split()[1:])
