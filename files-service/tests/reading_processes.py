"""Finds the reading processes that this test run started, as the operating system sees them."""

import os
from pathlib import Path

from files_service.extraction.confinement import CHILD


def reading_processes(parent: int | None = None) -> list[int]:
    """Their process ids."""
    parent = parent or os.getpid()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _is_one(entry, parent)]


def _is_one(entry: Path, parent: int) -> bool:
    try:
        command = (entry / "cmdline").read_bytes()
        after_name = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return False
    return CHILD.encode() in command and int(after_name[1]) == parent and after_name[0] != "Z"
