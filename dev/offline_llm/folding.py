"""The summariser: an extractive fold of the turns given. Nothing is invented, nothing taken from the assistant."""

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from math import log
from typing import Any

from dev.offline_llm.language import QUESTION_MARKS, content_stems, same_words, sentences, squeezed, words
from dev.offline_llm.passages import is_question
from dev.offline_llm.schema_filling import Schema, Source, filled

_TURN = re.compile(r"<turn\b([^>]*)>(.*?)</turn>", re.DOTALL)
_ID = re.compile(r"""\bid=["']([^"']*)["']""")
_USER = re.compile(r"<user\b[^>]*>(.*?)</user>", re.DOTALL)
_KNOWN = re.compile(r"<known_facts>(.*?)</known_facts>", re.DOTALL)
_KINDS = (  # the first pattern that fits names the kind and its priority
    (
        "instruction",
        8,
        r"\b(remember|don'?t forget|do not forget|always|never|from now on|call me|please (use|answer))\b",
    ),
    ("plan", 6, r"\b(i|we)('ll| will| want to| plan| hope to|'m going to| am going to|'re going to| are going to)\b"),
    ("plan", 6, r"\b(i'm|i am|we're|we are) (planning|thinking of|about to)\b|\b(tomorrow|next (week|month|year))\b"),
    (
        "preference",
        6,
        r"\b(i|we) (\w+ )?(like|love|prefer|hate|enjoy|dislike|can't stand|don't like)\b|\bmy favou?rite\b",
    ),
    ("profile", 7, r"\b(i am|i'm|my name is|i live|i work|i have|i've got|i was born|i come from|i speak|i study)\b"),
    ("profile", 7, r"\b(my|our) [\w' -]{1,40}\b(is|are|was|were|has|lives?|works?|called|named)\b"),
    ("event", 5, r"\b(i|we) (\w+ed|went|met|bought|got|saw|had|made|ate|took|left|came|was|were|did|won|lost|found)\b"),
    ("other", 4, r"\b(my|our|mine|i|we|us)\b.*\d|\d.*\b(my|our|mine|i|we|us)\b"),
)
_PATTERNS = [(kind, priority, re.compile(pattern, re.IGNORECASE)) for kind, priority, pattern in _KINDS]
_MOST_FACTS = 12
_LONGEST_FACTS = 1600  # characters of all facts together, each said twice: a fold fits into 2,048 tokens
_MOST_IN_SUMMARY = 5
_LONGEST = 400  # characters of one quoted sentence
_KNOWN_ALREADY = 0.8  # share of a sentence's stems that a known fact has
_NAMED = re.compile(r"(f\d+):")
_ONE_AT_A_TIME = re.compile(  # what can be true in one way only, and then how
    r"(.*?\b(?:liv(?:e|es|ed|ing) in|mov(?:e|es|ed) to|works? (?:at|for|as)|(?:is|are) (?:called|named)|my name is"
    r"|favou?rite [\w ]+? is))\b(.+)",
    re.IGNORECASE | re.DOTALL,
)
_SAYS_NOTHING = {"user", "now", "currently", "today", "recently"}


@dataclass(frozen=True)
class Said:
    """A sentence of the user's, verbatim, and the turn it stands in."""

    turn: str
    text: str


@dataclass(frozen=True)
class Known:
    """A fact that memory has already, by what the prompt calls it."""

    name: str
    text: str
    stems: set[str]


def asks_for_a_fold(name: str, schema: Schema) -> bool:
    """Whether a response format is the memory's: by its name, or by its shape."""
    return name == "fold" or {"summary", "quote", "facts"} <= set(schema.get("properties", {}))


def fold(schema: Schema, message: str) -> Any:
    """The fold of the turns in the message; without turns the schema is filled as any other."""
    said = _said(message)
    if not said:
        pieces = [message[start:end] for start, end in sentences(re.sub(r"<[^>]*>", "\n", unescape(message)))]
        return filled(schema, Source(pieces), "response_format")
    facts = _facts(said, _known(message))
    best = _most_telling(said, 1)[0]
    told = {
        "summary": " ".join(squeezed(each.text) for each in _most_telling(said, _MOST_IN_SUMMARY)),
        "priority_score": max([fact["priority"] for fact in facts], default=3),
        "quote": {"turn_id": best.turn, "text": best.text},
        "facts": facts,
    }
    return _fitted(schema, told, Source([each.text for each in said]))


def _said(message: str) -> list[Said]:
    """Every sentence of every <user> part."""
    found = list[Said]()
    for attributes, inner in _TURN.findall(message):
        named = _ID.search(attributes)
        for part in _USER.findall(inner):
            text = unescape(part)
            pieces = (text[start:end][:_LONGEST] for start, end in sentences(text))
            found.extend(Said(unescape(named[1]) if named else "", piece) for piece in pieces if words(piece))
    return found


def _known(message: str) -> list[Known]:
    block = _KNOWN.search(message)
    lines = unescape(block[1]).splitlines() if block else []
    named = ((_NAMED.match(line), line) for line in lines if line.strip())
    told = ((name[1], line[name.end() :].strip()) if name else ("", line) for name, line in named)
    return [Known(name, text, set(content_stems(text))) for name, text in told]


def _contradicts(sentence: str, known: str) -> bool:
    """Whether both say of the same thing how it is, and not the same."""
    new, old = _ONE_AT_A_TIME.match(sentence), _ONE_AT_A_TIME.match(known)
    if not new or not old or not _telling(new[1]) or set(_telling(new[1])) != set(_telling(old[1])):
        return False
    return _telling(new[2])[:1] != _telling(old[2])[:1]


def _telling(text: str) -> list[str]:
    return [stem for stem in content_stems(text) if stem not in _SAYS_NOTHING]


def _most_telling(said: list[Said], most: int) -> list[Said]:
    """The sentences with the rarest words, names and numbers, in their order; statements before questions."""
    seen = Counter(stem for each in said for stem in set(content_stems(each.text)))

    def worth(each: Said) -> float:
        stems = set(content_stems(each.text))
        rarity = sum(log(1 + len(said) / seen[stem]) for stem in stems) / (4 + len(stems))
        named = len(re.findall(r"(?<!^)\b[A-Z]\w+|\d+", each.text))
        first_person = 0.3 * any(pattern.search(each.text) for _, _, pattern in _PATTERNS)
        return rarity + 0.1 * min(named, 4) + first_person - (1 if is_question(each.text) else 0)

    ranked = sorted(range(len(said)), key=lambda index: (-worth(said[index]), index))
    return [said[index] for index in sorted(ranked[:most])]


def _facts(said: list[Said], known: list[Known]) -> list[dict[str, Any]]:
    """What the user states about themselves, once each; what is known in the words it is known by, if all of it is said
    again; with what is not true any more."""
    facts, seen, room = list[dict[str, Any]](), set[str](), _LONGEST_FACTS
    for each in said:
        kind = _kind(each.text)
        stems = set(content_stems(each.text))
        replaces = [fact.name for fact in known if fact.name and _contradicts(each.text, fact.text)]
        old = [fact for fact in known if not replaces and len(stems & fact.stems) >= _KNOWN_ALREADY * len(stems)]
        again = next((fact.text for fact in old if len(stems & fact.stems) >= _KNOWN_ALREADY * len(fact.stems)), None)
        says_less = old and not again
        if kind is None or not stems or says_less or same_words(each.text) in seen or len(facts) == _MOST_FACTS:
            continue
        if len(each.text) > room:
            break
        room -= len(each.text)
        seen.add(same_words(each.text))
        facts.append(
            {
                "text": again or squeezed(each.text),
                "kind": kind[0],
                "priority": kind[1],
                "turn_ids": [each.turn],
                "quote": each.text,
                "replaces": replaces,
            }
        )
    return facts


def _kind(sentence: str) -> tuple[str, int] | None:
    """Kind and priority of a statement; an instruction may look like a request, but not like a question."""
    found = next(((kind, priority) for kind, priority, pattern in _PATTERNS if pattern.search(sentence)), None)
    asks = any(mark in sentence for mark in QUESTION_MARKS) or (is_question(sentence) and found != _PATTERNS[0][:2])
    return None if asks else found


def _fitted(schema: Schema, told: dict[str, Any], source: Source) -> dict[str, Any]:
    """What was told, in a schema that may name fewer fields or more."""
    properties = schema.get("properties", {})
    fitted = {name: value for name, value in told.items() if name in properties}
    for name in schema.get("required", []):
        if name not in fitted:
            inner = {**properties.get(name, {}), "$defs": schema.get("$defs", {})}
            fitted[name] = filled(inner, source, "response_format")
    return fitted
