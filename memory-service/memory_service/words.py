"""Words of a text and their stems, in any script: what the index holds, and how two texts are compared.

Stems are Snowball's (PyStemmer). Which language a text in Latin letters is in is guessed from its small words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from threading import Lock
from typing import TypeVar

import Stemmer

from memory_service.arabic import arabic_stem

STOP_WORDS = frozenset(
    """a about am an and any are as at be been but by can could did do does for from had has have he her
    hers him his how i if in into is it its me mine my of on or our ours she should so than that the
    their theirs them then there these they this those to us was we were what when where which who whom
    whose why will with would you your yours
    d ll m re s t ve""".split()  # the last are what apostrophes leave
)
FUNCTION_WORDS = {
    "german": frozenset(
        """aber als auch auf aus bei bin bist das dass dem den der des die du ein eine einem einen einer er es fur
        hab habe haben hast hat hatte ich ihr im in ist ja kein keine man mein meine meinem meinen meiner mich mir mit
        nach nicht noch nur oder sein seine sich sie sind und unser uns vom von vor wann war warum was welche welchem
        welchen welcher welches wem wen wer wie wir wird wo zu zum zur uber""".split()
    ),
    "french": frozenset(
        """au aux avec ce ces cette comment dans de des du elle elles en est et eu il ils je la le les leur leurs lui
        ma mais mes moi mon ne nos notre nous on ou par pas pour pourquoi qu quand que quel quelle quelles quels qui
        sa ses son sont sur ta te tes toi ton tu un une vos votre vous""".split()
    ),
    "spanish": frozenset(
        """al como con cual cuales cuando cuanto de del donde el ella ellos en era es esta este esto la las le lo los
        me mi mis muy nos para pero por porque que quien se ser si sin sobre soy su sus te tu tus un una uno y
        yo""".split()
    ),
    "italian": frozenset(
        """ai al alla anche che chi come con cosa cui da dal dalla dei del della delle di dove e ed gli ha hai ho i il
        io la le lei lo loro lui ma mi mia mie miei mio nei nel nella non o per perche piu qual quale quali quando se
        si sono su sua sue sul suo ti tu tua tuo un una uno""".split()
    ),
    "portuguese": frozenset(
        """ao aos as com como da das de do dos e ela ele em era essa esse esta este eu foi isso ja mais mas me meu
        meus minha minhas na nao nas no nos o onde os ou para pela pelo por qual quais quando que quem se sem ser seu
        seus sua suas um uma voce""".split()
    ),
    "dutch": frozenset(
        """aan als bij dan dat de der die dit door een en er had heb hebben heeft het hij hoe ik in is je kan maar me
        met mij mijn naar niet nog of om ons onze ook op over te toen u uit van voor waar waarom wanneer was wat we
        welk welke werd wie wij ze zij zijn zo""".split()
    ),
}
"""Small words by which a language that is written in Latin letters is known; without accents."""

T = TypeVar("T")

ENGLISH = "english"
LONGEST_WORD = 80
"""Of a longer one, such as a line of code without spaces, only the beginning is looked at."""
LONGEST_STEM = 40
_OF_SCRIPT = {"ARMENIAN": "armenian", "CYRILLIC": "russian", "DEVANAGARI": "hindi", "GREEK": "greek", "TAMIL": "tamil"}
"""Languages that a script stands for, or that most of those who write it use."""
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese: no spaces between words. Korean: particles cling to them."""
_MARKS = "".join(re.escape(chr(c)) for c in range(0x10000) if unicodedata.category(chr(c)) in ("Mn", "Mc"))
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+")
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_POINTS = re.compile(r"(?<![\u0400-\u04ff])[\u0300-\u036f]|[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
"""Accents (but on Cyrillic, where they make another letter), vowel points, and the Arabic lengthening stroke."""

_PLAIN = str.maketrans(
    {**dict(zip("ıđłøħŧ", "idloht", strict=True)), **dict(zip("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 2, strict=True))}
    | {"\u200c": None, "\u200d": None}
)
"""Letters whose stroke or missing dot is no accent to Unicode, and is left out as often; Arabic digits; joiners."""

_SMALL: dict[str, list[str]] = {}
for _language_name, _small_words in {ENGLISH: STOP_WORDS, **FUNCTION_WORDS}.items():
    for _small_word in _small_words:
        _SMALL.setdefault(_small_word, []).append(_language_name)
_stemmers = {name: Stemmer.Stemmer(name) for name in (ENGLISH, *FUNCTION_WORDS, *_OF_SCRIPT.values())}
_stemming = Lock()  # a stemmer is not for two threads at once


def words(text: str) -> list[str]:
    """Every word, lower case, without accents, in order. In scripts without spaces, all that is written together."""
    if text.isascii():
        return _WORD.findall(text.lower())
    bare = _POINTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return _WORD.findall(unicodedata.normalize("NFC", bare.translate(_PLAIN)))


def content_stems(text: str) -> set[str]:
    """Stems of the words that say something; scripts without spaces come as pairs of characters."""
    said = words(text)
    return _content_stems(said, _language(said))


def alike_stems(*texts: str) -> list[set[str]]:
    """`content_stems` of each, all taken for the same language, so that they can be compared."""
    said = [words(text) for text in texts]
    language = _language([word for each in said for word in each])
    return [_content_stems(each, language) for each in said]


def overlap(part: str, whole: str, ignoring: Set[str] = frozenset()) -> float:
    """Share of the content of `part` that `whole` has too, 0 to 1; 0 when `part` has no content.

    Stems that are in `ignoring` do not count.
    """
    wanted, there = alike_stems(part, whole)
    wanted -= ignoring
    return len(wanted & there) / len(wanted) if wanted else 0.0


def indexed(text: str) -> list[str]:
    """What the index holds of a text: each stem once. The last character of a run without spaces stands alone too."""
    said = words(text)
    language = _language(said)
    content = (word for word in said if word not in STOP_WORDS)
    return list(dict.fromkeys(stem for word in content for stem in _stems(word, language, last_alone=True)))


def asked(query: str, most: int | None = None) -> list[tuple[str, ...]]:
    """What to look for, in order: for each word (or pair of characters) the stems that it may be indexed under.

    A text whose language is not known may be in any: then a word has a stem of each. `x*` stands for all that begins
    with a character that was asked for alone. Of more than `most`, those of its beginning and its end.
    """
    said = words(query)
    language = _language(said)
    small = STOP_WORDS | FUNCTION_WORDS.get(language or "", frozenset())
    languages = (ENGLISH, *FUNCTION_WORDS) if language is None else dict.fromkeys((language, ENGLISH))
    wanted = []
    for word in _both_ends([word for word in said if word not in small], most):
        stems = (tuple(_stems(word, each)) for each in languages)
        wanted += [tuple(dict.fromkeys(alike)) for alike in zip(*stems, strict=True)]
    return _both_ends(wanted, most)


def _both_ends(said: Sequence[T], most: int | None) -> list[T]:
    """Each once, in order; of more than `most`, half from the beginning and half from the end, however often those
    at the end were said before."""
    once = list(dict.fromkeys(said))
    if most is None or len(once) <= most:
        return once
    last = list(dict.fromkeys(reversed(said)))[: most // 2]
    first = [each for each in once if each not in last][: most - len(last)]
    return [*first, *reversed(last)]


def _content_stems(said: Sequence[str], language: str | None) -> set[str]:
    return {stem for word in said if word not in STOP_WORDS for stem in _stems(word, language)}


def _language(said: Sequence[str]) -> str | None:
    """Of words in Latin letters; None when there is no small word among them that tells."""
    counts = Counter(language for word in said for language in _SMALL.get(word, ()))
    return max(counts, key=lambda language: (counts[language], language == ENGLISH), default=None)


def _stems(word: str, language: str | None, *, last_alone: bool = False) -> Iterator[str]:
    for run in _RUN.findall(word):
        if _IS_UNSPACED.match(run):
            yield from (run[i : i + 2] for i in range(len(run) - 1))
            if last_alone or len(run) == 1:
                yield run[-1] if last_alone else f"{run}*"
        else:
            yield _stem(run[:LONGEST_WORD], _OF_SCRIPT.get(_script(run[0])) or language or ENGLISH)


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    if _script(word[0]) == "ARABIC":
        return arabic_stem(word)[:LONGEST_STEM]
    with _stemming:
        stem: str = _stemmers[language].stemWord(word)
    return stem[:LONGEST_STEM]


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ", 1)[0]
