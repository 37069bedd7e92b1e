"""Words of a text, for asking the index and for telling whether two texts are about the same things."""

import re
import unicodedata
from collections.abc import Iterator

STOP_WORDS = frozenset(
    """a about am an and any are as at be been but by can could did do does for from had has have he her
    hers him his how i if in into is it its me mine my of on or our ours she should so than that the
    their theirs them then there these they this those to us was we were what when where which who whom
    whose why will with would you your yours""".split()
)
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ENDINGS = (
    "ations",
    "ation",
    "ings",
    "ing",
    "edly",
    "ies",
    "ied",
    "ness",
    "ment",
    "ers",
    "est",
    "ed",
    "es",
    "er",
    "ly",
    "s",
    "e",
    "y",
)
_SHORTEST_STEM = 3


def words(text: str) -> list[str]:
    """Every word, lower case, in order."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def content_words(text: str) -> list[str]:
    """Words that say something, each once, in order; if there are none but stop words, none."""
    return [word for word in dict.fromkeys(words(text)) if word not in STOP_WORDS]


def content_stems(text: str) -> set[str]:
    """Roughly stemmed content words; scripts without spaces come as pairs of characters."""
    return {stem for word in content_words(text) for stem in _stems(word)}


def overlap(part: str, whole: str) -> float:
    """Share of the content of `part` that `whole` has too, 0 to 1; 0 when `part` has no content."""
    wanted = content_stems(part)
    return len(wanted & content_stems(whole)) / len(wanted) if wanted else 0.0


def _stems(word: str) -> Iterator[str]:
    if _UNSPACED.search(word):
        yield from (word[i : i + 2] for i in range(max(1, len(word) - 1)))
        return
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word[: -len(ending)]
            return
    yield word
