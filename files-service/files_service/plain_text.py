"""Which encoding a text file is in, or that it is not text: byte-order marks, UTF-8, Windows-1252 where plausible."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 256 * 1024
NUL = b"\0"
# UTF-32 before UTF-16: its little-endian mark begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b"))
MOST_CONTROLS = 0.001
"""Share of the bytes that may be control characters before it is not text."""
ASCII = bytes(range(0x80))
NOT_IN_CP1252 = b"\x00\x81\x8d\x8f\x90\x9d"
MOST_HIGH_BYTES = 0.3
"""Share of bytes above ASCII in Western text; beyond it the encoding is another one, and guessing makes gibberish."""


def encoding_of(stream: BinaryIO) -> str | None:
    """The encoding of the text in `stream`; None when it is not text or its encoding cannot be told."""
    head = stream.read(4)
    stream.seek(0)
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding if _decodes(stream, encoding) else None
    if _decodes(stream, "utf-8"):
        return "utf-8"
    stream.seek(0)
    return "cp1252" if _looks_western(stream) else None


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(CHUNK), b"")


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    total = controls = 0
    try:
        for chunk in _chunks(stream):
            text = decoder.decode(chunk).encode()
            if NUL in text:
                return False
            total += len(text)
            controls += _count(text, CONTROLS)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return controls <= MOST_CONTROLS * total


def _looks_western(stream: BinaryIO) -> bool:
    total = controls = high = impossible = 0
    for chunk in _chunks(stream):
        total += len(chunk)
        controls += _count(chunk, CONTROLS)
        impossible += _count(chunk, NOT_IN_CP1252)
        high += len(chunk.translate(None, ASCII))
    return not impossible and controls <= MOST_CONTROLS * total and high <= MOST_HIGH_BYTES * total


def _count(data: bytes, wanted: bytes) -> int:
    return len(data) - len(data.translate(None, wanted))
