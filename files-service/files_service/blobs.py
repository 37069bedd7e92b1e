"""The bytes of files, and of the images made of them, under names of the server's. A row comes after its bytes."""

import hashlib
import os
from collections.abc import Set
from pathlib import Path
from typing import BinaryIO

IMAGE_ENDING = ".image"


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

    def image_path(self, file_id: str) -> Path:
        """Where the image lies that was made of a file."""
        return self._folder / f"{file_id}{IMAGE_ENDING}"

    def keep_image(self, file_id: str, data: bytes) -> None:
        """Returns when the image that was made of a file is on disk; one that an earlier try left is replaced."""
        path = self.image_path(file_id)
        path.unlink(missing_ok=True)
        draft = Draft(path)
        try:
            draft.write(data)
            draft.settle()
        except OSError:
            draft.discard()
            raise

    def open(self, file_id: str) -> BinaryIO:
        """The blob to read from. Raises `FileNotFoundError`."""
        return self.path(file_id).open("rb")

    def remove(self, *file_ids: str) -> None:
        """Deletes the blobs that are there, and the images made of them."""
        for file_id in file_ids:
            self.path(file_id).unlink(missing_ok=True)
            self.image_path(file_id).unlink(missing_ok=True)

    def sweep(self, files: Set[str], images: Set[str]) -> int:
        """Deletes all but the blobs of `files` and the images made of `images`; returns how many a crash had left."""
        known = files | {self.image_path(file_id).name for file_id in images}
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
