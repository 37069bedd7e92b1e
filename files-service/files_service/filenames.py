"""A user's file name made safe to show. It is never used as a path: blobs are named by the server."""

import re
import unicodedata

LONGEST = 255
NAMELESS = "file"
PATH_SEPARATORS = re.compile(r"[/\\]")
# Marks that turn the direction of writing: `photo_\u202excod.exe` would be shown as `photo_exe.docx`.
DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNSHOWN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


def displayed(name: str) -> str:
    """The last part of the name without control characters, at most 255 characters; `file` when nothing is left."""
    last_part = PATH_SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    shown = "".join(character for character in last_part if _is_shown(character))
    collapsed = " ".join(shown.split())
    if not collapsed.strip(". "):
        return NAMELESS
    return _shortened(collapsed)


def extension(name: str) -> str:
    """What follows the last dot, in small letters: `csv`."""
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


def _is_shown(character: str) -> bool:
    return character not in DIRECTION_MARKS and unicodedata.category(character) not in UNSHOWN_CATEGORIES


def _shortened(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 16:
        return name[:LONGEST]
    return stem[: LONGEST - len(ending) - 1] + dot + ending
