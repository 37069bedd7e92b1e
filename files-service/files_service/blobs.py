"""The bytes of files, each in a file that the server names. A row is written only after its blob is on disk."""

import hashlib
import os
from collections.abc import Set
from pathlib import Path
from typing import BinaryIO


class Draft:
    """A blob in the making."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._digest = hashlib.sha256()
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Appends to the blob."""
        self.bytes += len(data)
        self._digest.update(data)
        self._file.write(data)

    def settle(self) -> None:
        """Returns when the bytes, and the name they are found under, are on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _sync_names_in(self.path.parent)

    def discard(self) -> None:
        """Takes the blob away again."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    """A folder of blobs, named by file id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_names_in(folder.parent)

    def draft(self, file_id: str) -> Draft:
        """A new blob to write to."""
        return Draft(self.path(file_id))

    def path(self, file_id: str) -> Path:
        """Where the blob of a file lies."""
        return self._folder / file_id

    def open(self, file_id: str) -> BinaryIO:
        """The blob to read from. Raises `FileNotFoundError`."""
        return self.path(file_id).open("rb")

    def remove(self, *file_ids: str) -> None:
        """Deletes the blobs that are there."""
        for file_id in file_ids:
            self.path(file_id).unlink(missing_ok=True)

    def sweep(self, known: Set[str]) -> int:
        """Deletes every blob that no file is known for, as a crash may leave it; returns how many there were."""
        orphans = [path for path in self._folder.iterdir() if path.name not in known]
        for path in orphans:
            path.unlink()
        return len(orphans)


def _sync_names_in(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
