"""Words, light stems and sentences: the little bit of language that every answer here is made of."""

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
QUESTION_MARKS = ("?", "？", "؟")  # as other scripts write it, too
_SENTENCE_END = re.compile(r"(?<=[.!?…؟])[\"'”’)\]]*\s+|(?<=[。！？])")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:Dr|Mr|Mrs|Ms|St|Prof|No|vs|etc|e\.g|i\.e|approx|[A-Z])\.$")
_NEW_BLOCK = re.compile(r"\s*(?:[-*•#|>]|\d+[.)]\s|</?\w)")
_WRAPPED_LINE = 45  # a line at least this long that ends without a full stop was probably wrapped, not ended

STOP_WORDS = frozenset(
    """a about again all also am an and any are as at be been being but by can could did do does doing done for from
    had has have having he her hers him his how i i'd i'll i'm i've if in into is it it's its itself just let me
    mine my myself no nor not of off on once only or our ours out over own please remind same say said she should so
    some such tell than that the their them then there these they this those through to too under until up us very was
    we were what what's when where where's which while who who's whom whose why will with would you your yours
    yourself know remember show list give find mention answer question please briefly""".split()
)
_CANONICAL = {  # stems that mean the same here
    "color": "colour",
    "favorit": "favourit",
    "call": "nam",
    "cost": "pric",
    "mail": "email",
    "resid": "liv",
    "mov": "liv",
    "job": "work",
    "profession": "work",
    "occupation": "work",
    "born": "birthday",
    "birth": "birthday",
    "bought": "buy",
    "went": "go",
    "goe": "go",
    "met": "meet",
    "children": "child",
    "kid": "child",
}
_SUFFIXES = ("ingly", "edly", "ing", "ied", "ies", "ed", "es", "s", "ly")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A lower-case word without its commonest English endings, and with a few synonyms made one."""
    word = re.sub(r"['’]s?$", "", word)
    for suffix in _SUFFIXES:
        if len(word) - len(suffix) >= 3 and word.endswith(suffix) and not word.endswith("ss"):
            word = word[: -len(suffix)] + ("y" if suffix in ("ied", "ies") else "")
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "lse":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return _CANONICAL.get(word, word)


def words(text: str) -> list[str]:
    """Every word and number, lower-case, in order."""
    return _WORD.findall(text.lower())


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def squeezed(text: str) -> str:
    """The text on one line, without runs of white space."""
    return " ".join(text.split())


def same_words(text: str) -> str:
    """What two texts share when they differ only in case, punctuation or spacing."""
    return " ".join(words(text))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of each sentence or short line. Wrapped lines are joined: a slice is verbatim, line breaks included."""
    for start, end in _blocks(text):
        begin = start
        for match in _SENTENCE_END.finditer(text, start, end):
            if not _ABBREVIATION.search(text[max(begin, match.start() - 8) : match.start()]):
                yield from _trimmed(text, begin, match.end())
                begin = match.end()
        yield from _trimmed(text, begin, end)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of lines, each joined with the lines it was wrapped into."""
    start = position = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        wrapped = len(previous) >= _WRAPPED_LINE and previous[-1] not in ".!?:;。！？؟" and line.strip()
        if position > start and not (wrapped and not _NEW_BLOCK.match(line)):
            yield start, position
            start = position
        position += len(line)
        previous = line.strip()
    if position > start:
        yield start, position


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
