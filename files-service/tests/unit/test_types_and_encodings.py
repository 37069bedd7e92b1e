"""What a file is, told from its bytes."""

import io
import struct
from pathlib import Path

import pytest

from files_service.archives import Bomb, NotAnArchive, read_directory
from files_service.media_types import DOCX, PDF, XLSX, detect
from files_service.plain_text import encoding_of
from files_service.problems import FileTooComplex, UnsupportedFileType

from ..documents import archive, overlapping_zip, pdf, raw_word_document, word_document, workbook, zip_bomb

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (pdf(["a"]), "liar.txt", PDF),
        (b"\r\n" + pdf(["a"]), "led.pdf", PDF),
        (word_document(), "liar.xlsx", DOCX),
        (raw_word_document("<w:p/>"), "online.docx", DOCX),
        (workbook(), "w", XLSX),
        (b"a,b\n1,2\n", "table.CSV", "text/csv"),
        (b"# Hi\n", "hi.md", "text/markdown"),
        (b"print()\n", "liar.pdf", "text/plain"),
        (b"<html>", "page.html", "text/html"),
        (b"<html><body>" + SVG, "page.html", "text/html"),
        (b"The tag is " + SVG, "notes.txt", "text/plain"),
        (b"<!-- " * 200 + b"<svgs/>", "page.xml", "application/xml"),
    ],
)
def test_the_bytes_say_what_a_file_is_and_the_name_only_which_text(
    tmp_path: Path, content: bytes, name: str, media_type: str
) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(content)

    assert detect(blob, name) == media_type


MACROS = "application/vnd.ms-word.document.macroEnabled.main+xml"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"GIF89a\1\0\1\0", UnsupportedFileType),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", UnsupportedFileType),
        (b"BM" + bytes(60), UnsupportedFileType),
        (b"II*\0" + bytes(60), UnsupportedFileType),
        (b"\0\0\0\x1cftypavif" + bytes(60), UnsupportedFileType),
        (SVG, UnsupportedFileType),
        (b'<?xml version="1.0"?>\n<!-- a drawing -->\n<!DOCTYPE svg>\n' + SVG, UnsupportedFileType),
        (b"\xef\xbb\xbf " + SVG.replace(b"svg", b"s:svg"), UnsupportedFileType),
        (SVG.decode().encode("utf-16"), UnsupportedFileType),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), UnsupportedFileType),
        (archive({"[Content_Types].xml": MACROS}), UnsupportedFileType),
        (archive({"word/document.xml": "no content types"}), UnsupportedFileType),
        (b"words " + word_document(), UnsupportedFileType),
        (word_document()[:-30], UnsupportedFileType),
        (zip_bomb(), FileTooComplex),
        (archive({f"{number}": "" for number in range(10_001)}), FileTooComplex),
    ],
    ids=[
        *("cut gif", "cut png", "bmp", "tiff", "avif", "svg", "svg with a head", "svg with a prefix", "svg in utf-16"),
        *("old word", "macros", "no types", "polyglot", "cut", "bomb", "entries"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: bytes, refusal: type[Exception]) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(content)

    with pytest.raises(refusal):
        detect(blob, "a.docx")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", "utf-8"),
        ("naïve – 日本".encode(), "utf-8"),
        ("naïve".encode("utf-8-sig"), "utf-8-sig"),
        ("naïve 日本".encode("utf-16"), "utf-16"),
        ("naïve".encode("utf-32"), "utf-32"),
        ("caf\xe9 and a “quote” of some length".encode("cp1252"), "cp1252"),
        ("ä".encode() * 300_000, "utf-8"),
        (b"x" + "ä".encode() * 300_000, "utf-8"),
        ("Съешь же ещё этих мягких".encode("cp1251"), None),
        (b"a\0b", None),
        (b"\1\2\3\4 binary", None),
        (b"\xff\xfea", None),
        (b"x" * 100_000 + b"\0", None),
    ],
)
def test_an_encoding_is_told_or_refused_never_guessed_wildly(content: bytes, encoding: str | None) -> None:
    assert encoding_of(io.BytesIO(content)) == encoding


def test_a_directory_that_overlaps_is_a_bomb() -> None:
    with pytest.raises(Bomb):
        read_directory(io.BytesIO(overlapping_zip()))


@pytest.mark.parametrize("cut", [1, 10, 22, 40, 200])
def test_a_damaged_directory_is_no_archive(cut: int) -> None:
    with pytest.raises(NotAnArchive):
        read_directory(io.BytesIO(word_document()[:-cut]))


def test_a_directory_that_claims_more_entries_than_it_has_is_no_archive() -> None:
    honest = bytearray(word_document())
    at = honest.rindex(b"PK\x05\x06")
    struct.pack_into("<2H", honest, at + 8, 500, 500)

    with pytest.raises(NotAnArchive):
        read_directory(io.BytesIO(bytes(honest)))
