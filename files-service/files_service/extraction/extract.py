"""What goes into a reading process and what comes out of it; kept free of imports, since each process pays for them."""

import re
from dataclasses import dataclass, field
from typing import Literal

from files_service.failures import Failure

UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
EMPTY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Job:
    """What a reading process is asked for.

    Text from `first_page` on, at most `most_pages` and `text_bytes` of it; an image within `image_side` and
    `image_bytes`.
    """

    reader: str
    text_bytes: int
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    first_page: int = 1
    most_pages: int = 40
    image_side: int = 0
    image_bytes: int = 0


@dataclass(frozen=True)
class Picture:
    """An image drawn anew; `data` is base64, as it goes through the pipe."""

    media_type: Literal["image/png", "image/jpeg"]
    width: int
    height: int
    data: str


@dataclass
class Answer:
    """What a reading process found. `next_page` is where to go on, None at the end."""

    text: str = ""
    pages: int | None = None
    next_page: int | None = None
    truncated: bool = False
    has_words: bool = False
    picture: Picture | None = None
    failure: Failure | None = None


class Unreadable(Exception):
    """The document has neither text nor image for us, for a reason that trying again does not change."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure)


class Full(Exception):
    """All the text that is kept of a document has been found."""


@dataclass
class Extract:
    """Collects what a reader finds. Raises `Full` when no more text is wanted; what fitted has been kept."""

    room: int
    pages: int | None = None
    next_page: int | None = None
    truncated: bool = False
    has_words: bool = False
    picture: Picture | None = None
    _parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str, *, end: str = "\n") -> None:
        """Adds words of the document."""
        cleaned = UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        self.has_words = self.has_words or bool(cleaned.strip())
        self._append(cleaned + end)

    def mark(self, text: str) -> None:
        """Adds a line of ours, such as `[page 3]`, that does not count as text of the document."""
        self._append(UNWANTED.sub("", text) + "\n")

    def _append(self, text: str) -> None:
        data = text.encode()
        if len(data) > self.room:
            self._parts.append(data[: self.room].decode(errors="ignore"))
            self.room = 0
            self.truncated = True
            raise Full
        self.room -= len(data)
        self._parts.append(text)


def tidy(text: str) -> str:
    """Without spaces at line ends and without runs of empty lines."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return EMPTY_LINES.sub("\n\n", lines).strip("\n")
