"""Light stemming of Arabic: what clings to a word goes, its pattern stays.

After light10 (Larkey, Ballesteros and Connell, 2007: Light Stemming for Arabic Information Retrieval), which takes off
the article and the commonest endings; possessive endings, and the `t` before them that the feminine ending turns into,
go here too. Snowball's stemmer leaves `and` before the article, and parts a noun from its possessive form.
"""

_LETTERS = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ؤ": "و", "ئ": "ي", "ة": "ت", "ی": "ي", "ک": "ك"}
)
_ARTICLES = ("وال", "بال", "كال", "فال", "ال", "لل")
_ENDINGS = ("كما", "هما", "كم", "هم", "نا", "ها", "ان", "ات", "ون", "ين", "يه", "يت", "ته", "تي", "تك", "ه", "ي", "ك")
_SHORTEST = 3


def arabic_stem(word: str) -> str:
    """The word without conjunction, article and endings, as long as three letters remain."""
    word = _without_beginning(word.translate(_LETTERS))
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("ت") and len(word) > _SHORTEST else word


def _without_beginning(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _SHORTEST:
            return word[len(article) :]
    return word[1:] if word.startswith("و") and len(word) > _SHORTEST else word
