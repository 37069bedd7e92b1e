"""The token estimate behind usage, max_tokens and pacing. One rule, no model's real vocabulary.

A token is up to five letters or three digits with the space before them, one ideograph, one punctuation mark, or a
run of white space. English prose comes out at about four characters a token; the joined pieces are the text.
"""

import re
from math import ceil

_PIECE = re.compile(r" ?(?:[⺀-￿]|\d{1,3}|[^\W\d_⺀-￿]{1,5}|[^\w\s]|_)|\s+")
_PER_MESSAGE = 4  # role and separators, as chat templates add them
_IMAGE_PATCH = 28  # pixels: the patch edge of Qwen2.5-VL
_MOST_PER_IMAGE = 1280


def pieces(text: str) -> list[str]:
    """The tokens themselves."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """How many tokens the text is."""
    return len(_PIECE.findall(text))


def count_message(text: str) -> int:
    """A message costs its text and its framing."""
    return count(text) + _PER_MESSAGE


def count_image(width: int, height: int) -> int:
    """An image costs its patches, up to a limit."""
    return min(_MOST_PER_IMAGE, ceil(width / _IMAGE_PATCH) * ceil(height / _IMAGE_PATCH))
