"""Text files, as they are."""

from typing import BinaryIO

from files_service.extraction.extract import Extract, Job, Unreadable
from files_service.failures import Failure
from files_service.plain_text import encoding_of

PARSERS = ()


def read(document: BinaryIO, job: Job, extract: Extract) -> None:
    """The whole text, with `\\n` at line ends."""
    encoding = encoding_of(document)
    if encoding is None:
        raise Unreadable(Failure.CORRUPT)
    document.seek(0)
    extract.add(document.read().decode(encoding), end="")
