"""Keeps remembered text inside the marks that delimit it."""

import re

_OURS = re.compile(r"<(?=\s*/?\s*(?:earlier_conversation|remembered|turn|user|assistant)\b)", re.IGNORECASE)


def unmarked(text: str) -> str:
    """The text with our own marks in it made harmless; all other markup stays as it was."""
    return _OURS.sub("&lt;", text)
