"""What a file is, told by its magic and structure; its name only tells kinds of text apart."""

import re
import zipfile
from pathlib import Path
from typing import BinaryIO, Literal

from files_service.archives import Bomb, NotAnArchive, read_directory
from files_service.filenames import extension
from files_service.plain_text import encoding_of
from files_service.problems import FileTooComplex, UnsupportedFileType

Reader = Literal["pdf", "docx", "xlsx", "text"]
Kind = Literal["text", "image"]

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT = "text/plain"
READERS: dict[str, Reader] = {PDF: "pdf", DOCX: "docx", XLSX: "xlsx"}

PNG, JPEG, WEBP, GIF = "image/png", "image/jpeg", "image/webp", "image/gif"
IMAGES = frozenset({PNG, JPEG, WEBP, GIF})

PDF_MAGIC = b"%PDF-"
MAY_PRECEDE_PDF = b"\xef\xbb\xbf\x00\t\n\r "
MAY_PRECEDE_XML = b"\xef\xbb\xbf\xff\xfe\t\n\r "
ZIP_MAGIC = b"PK\x03\x04"
CONTENT_TYPES_PART = "[Content_Types].xml"
LONGEST_CONTENT_TYPES = 1_000_000
# Not the names of the parts: some writers call the document `word/document2.xml`.
MAIN_PARTS = {f"{DOCX}.main+xml".encode(): DOCX, f"{XLSX}.main+xml".encode(): XLSX}

# As far as the part of the header that tells the size; whether the rest is whole shows when it is read.
IMAGE_HEADS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR.{13}", re.DOTALL), PNG),
    (re.compile(rb"\xff\xd8\xff[\xc0-\xfe]", re.DOTALL), JPEG),
    (re.compile(rb"RIFF.{4}WEBPVP8[ LX].{14}", re.DOTALL), WEBP),
    (re.compile(rb"GIF8[79]a.{7}", re.DOTALL), GIF),
)
FIRST_ELEMENT = re.compile(rb"<(?:\w+:)?([A-Za-z]+)[\s/>]")

TEXT_TYPES = {
    "md": "text/markdown",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "json": "application/json",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def kind_of(media_type: str) -> Kind:
    """What a model gets of a file of that type."""
    return "image" if media_type in IMAGES else "text"


def reader_of(media_type: str) -> Reader:
    """Which reader gets the text out of that type."""
    return READERS.get(media_type, "text")


def detect(path: Path, filename: str) -> str:
    """The media type of a blob. Raises `UnsupportedFileType`, or `FileTooComplex` for a zip bomb."""
    with path.open("rb") as stream:
        head = stream.read(1024)
        if head.lstrip(MAY_PRECEDE_PDF).startswith(PDF_MAGIC):
            return PDF
        for image_head, media_type in IMAGE_HEADS:
            if image_head.match(head):
                return media_type
        if _is_svg(head):
            raise UnsupportedFileType()
        if head.startswith(ZIP_MAGIC):
            return _office_type(stream)
        stream.seek(0)
        if encoding_of(stream) is None:
            raise UnsupportedFileType()
    return TEXT_TYPES.get(extension(filename), TEXT)


def _is_svg(head: bytes) -> bool:
    """A drawing that may hold scripts and name other files: no model sees it, and its source is not what was meant."""
    start = head.replace(b"\0", b"").lstrip(MAY_PRECEDE_XML)  # UTF-16 has a zero byte next to each letter
    first = FIRST_ELEMENT.search(start)
    return start.startswith(b"<") and first is not None and first[1] == b"svg"


def _office_type(stream: BinaryIO) -> str:
    try:
        read_directory(stream)
        with zipfile.ZipFile(stream) as archive, archive.open(CONTENT_TYPES_PART) as part:
            declared = part.read(LONGEST_CONTENT_TYPES)
    except Bomb:
        raise FileTooComplex() from None
    except (NotAnArchive, zipfile.BadZipFile, KeyError, ValueError, RuntimeError, OSError):
        raise UnsupportedFileType() from None
    for main_part, media_type in MAIN_PARTS.items():
        if main_part in declared:
            return media_type
    raise UnsupportedFileType()
