"""A zip's directory read by hand, before any library unpacks it: what it would unpack to, and whether it lies."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

END_RECORD = struct.Struct("<4s4H2LH")
END_MARK = b"PK\x05\x06"
LONGEST_COMMENT = 65_535
ENTRY = struct.Struct("<4s6H3L5H2L")
ENTRY_MARK = b"PK\x01\x02"
LOCAL_HEADER_BYTES = 30
STORED, DEFLATED = 0, 8

MOST_ENTRIES = 10_000
MOST_UNPACKED_BYTES = 200_000_000
MOST_RATIO = 200
"""Unpacked to packed size of the whole archive; real documents stay below 50."""
RATIO_FREE_BYTES = 20_000_000
"""An archive that unpacks to less is harmless at any ratio."""


class NotAnArchive(Exception):
    """No zip directory, a damaged one, or one that contradicts itself."""


class Bomb(Exception):
    """It would unpack to far more than any honest document."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive as the directory declares it."""

    name: bytes
    method: int
    packed_bytes: int
    unpacked_bytes: int
    offset: int


def read_directory(stream: BinaryIO) -> list[Entry]:
    """The entries of a harmless archive. Raises `NotAnArchive` or `Bomb`; nothing is unpacked."""
    size = stream.seek(0, 2)
    count, directory_bytes, directory_offset, end = _end_record(stream, size)
    if count > MOST_ENTRIES:
        raise Bomb
    # ZIP64 (all bits set) is for archives beyond 4 GB; ours are smaller, so its use is a trick.
    if directory_offset + directory_bytes != end:
        raise NotAnArchive
    stream.seek(directory_offset)
    entries = _entries(stream.read(directory_bytes), count)
    _refuse_bombs(entries, directory_offset)
    return entries


def _end_record(stream: BinaryIO, size: int) -> tuple[int, int, int, int]:
    tail_bytes = min(size, END_RECORD.size + LONGEST_COMMENT)
    stream.seek(size - tail_bytes)
    tail = stream.read(tail_bytes)
    at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END_RECORD.size:
        raise NotAnArchive
    _, disk, start_disk, here, count, directory_bytes, offset, _ = END_RECORD.unpack_from(tail, at)
    if disk or start_disk or here != count:
        raise NotAnArchive
    return count, directory_bytes, offset, size - tail_bytes + at


def _entries(directory: bytes, count: int) -> list[Entry]:
    entries: list[Entry] = []
    at = 0
    while len(entries) < count:
        if len(directory) - at < ENTRY.size:
            raise NotAnArchive
        mark, _, _, _, method, _, _, _, packed, unpacked, name, extra, comment, _, _, _, offset = ENTRY.unpack_from(
            directory, at
        )
        if mark != ENTRY_MARK or method not in (STORED, DEFLATED):
            raise NotAnArchive
        at += ENTRY.size
        entries.append(Entry(directory[at : at + name], method, packed, unpacked, offset))
        at += name + extra + comment
    if at != len(directory):
        raise NotAnArchive
    return entries


def _refuse_bombs(entries: list[Entry], directory_offset: int) -> None:
    unpacked = sum(entry.unpacked_bytes for entry in entries)
    packed = sum(entry.packed_bytes for entry in entries)
    if unpacked > MOST_UNPACKED_BYTES or unpacked > max(RATIO_FREE_BYTES, MOST_RATIO * packed):
        raise Bomb
    # Entries that overlap unpack the same bytes again and again.
    free_from = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset < free_from:
            raise Bomb
        free_from = entry.offset + LOCAL_HEADER_BYTES + len(entry.name) + entry.packed_bytes
    if free_from > directory_offset:
        raise NotAnArchive
