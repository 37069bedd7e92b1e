"""What DOCX and XLSX have in common: a zip of XML parts, none of which may declare a document type."""

import zipfile
from typing import BinaryIO

from files_service.archives import Bomb, NotAnArchive, read_directory
from files_service.extraction.extract import Unreadable
from files_service.failures import Failure

XML_ENDINGS = (".xml", ".rels")
HEAD_BYTES = 4096
ENCRYPTED_FLAG = 0x1


def refuse_hostile_parts(document: BinaryIO) -> None:
    """Raises `Unreadable` for a bomb, an encrypted part, or a part with entities of its own."""
    try:
        read_directory(document)
    except Bomb:
        raise Unreadable(Failure.TOO_COMPLEX) from None
    except NotAnArchive:
        raise Unreadable(Failure.CORRUPT) from None
    with zipfile.ZipFile(document) as archive:
        for part in archive.infolist():
            if part.flag_bits & ENCRYPTED_FLAG:
                raise Unreadable(Failure.ENCRYPTED)
            if part.filename.lower().endswith(XML_ENDINGS) and _declares_a_type(archive, part):
                raise Unreadable(Failure.CORRUPT)


def _declares_a_type(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with archive.open(part) as stream:
        head = stream.read(HEAD_BYTES)
    # UTF-16 has a zero byte next to each letter.
    return b"<!DOCTYPE" in head.replace(b"\0", b"")
