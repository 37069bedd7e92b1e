"""Finding a quotation in the text it is said to be from, so that what is stored is offsets, never a model's words."""

import re
from html import unescape

_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})  # one character for one: offsets stay true


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Where the quote stands in the text, as (start, stop); only white space, case and quotation marks may differ.

    The summariser reads the text with its markup escaped, and may quote it so.
    """
    return _find(text, quote) or _find(text, unescape(quote))


def _find(text: str, quote: str) -> tuple[int, int] | None:
    parts = quote.translate(_QUOTES).split()
    if not parts:
        return None
    pattern = r"\s+".join(re.escape(part) for part in parts)
    found = re.search(pattern, text.translate(_QUOTES), re.IGNORECASE)
    return found.span() if found else None
