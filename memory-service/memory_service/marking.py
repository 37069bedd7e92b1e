"""Keeps remembered text inside the marks that delimit it."""

import re

_UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
"""Whoever reads a mark reads over these."""
_OURS = re.compile(rf"<(?=[\s/{_UNSEEN}]*(?:earlier_conversation|remembered|turn|user|assistant)\b)", re.IGNORECASE)


def unmarked(text: str) -> str:
    """The text with our own marks in it made harmless; all other markup stays as it was."""
    return _OURS.sub("&lt;", text)
