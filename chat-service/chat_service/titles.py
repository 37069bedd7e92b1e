"""Titles of conversations: the first words of the user, or what a person or a model made of them; always one line."""

import re

MOST_CHARACTERS = 80
LOOKED_AT = 1_000
"""Characters of a message in which its first words are looked for."""

# Controls, and what turns the direction of text or hides in it: with them a title can pass for something else.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def in_one_line(text: str) -> str:
    """The text without line ends, double spaces and characters that cannot be seen."""
    return " ".join(UNSEEN.sub("", text).split())


def first_words(text: str) -> str | None:
    """As many of the first words as a title has room for; None when there are none."""
    line = in_one_line(text[:LOOKED_AT])
    if len(line) <= MOST_CHARACTERS:
        return line or None
    words, _, _ = line[:MOST_CHARACTERS].rpartition(" ")
    return f"{words or line[: MOST_CHARACTERS - 1]}…"
