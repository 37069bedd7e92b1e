"""Taking a file in: to disk as it arrives, its type told from its bytes, then one row that makes it exist."""

import asyncio
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.owners import Owners
from chassis.problems import StorageFull
from files_service.blobs import Blobs
from files_service.extracting import Extracting
from files_service.filenames import displayed
from files_service.media_types import detect
from files_service.problems import FileEmpty, FileTooLarge, QueueFull
from files_service.stores.files import FileRecord, Files

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Uploads:
    """`most_bytes` of one file; `most_waiting` files of all users may wait to be read."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        extracting: Extracting,
        clock: Clock,
        *,
        most_bytes: int,
        most_waiting: int,
    ) -> None:
        self.database = database
        self.blobs = blobs
        self.extracting = extracting
        self.clock = clock
        self.most_bytes = most_bytes
        self.most_waiting = most_waiting

    @contextmanager
    def begin(self, owner: str) -> Iterator["Upload"]:
        """An upload to write to and to finish; one that is not finished leaves nothing behind."""
        upload = Upload(self, owner)
        try:
            yield upload
        finally:
            upload.discard_unless_kept()


class Upload:
    """One file on its way in."""

    def __init__(self, uploads: Uploads, owner: str) -> None:
        self._uploads = uploads
        self._owner = owner
        self._id = new_id("file")
        self._draft = uploads.blobs.draft(self._id)
        self._kept = False

    def write(self, data: bytes) -> None:
        """Appends to the file. Blocking. Raises `FileTooLarge`, `StorageFull`."""
        if self._draft.bytes + len(data) > self._uploads.most_bytes:
            raise FileTooLarge(f"A file may have at most {self._uploads.most_bytes} bytes.", param="file")
        try:
            self._draft.write(data)
        except OSError as error:
            _refuse(error)

    async def finish(self, filename: str, purpose: str) -> FileRecord:
        """Returns when the file and its row are on disk. Raises `Unauthenticated` when its owner has departed."""
        name = displayed(filename)
        media_type = await asyncio.to_thread(self._settle, name)
        values: dict[str, str | int] = {
            "id": self._id,
            "owner": self._owner,
            "filename": name,
            "purpose": purpose,
            "media_type": media_type,
            "bytes": self._draft.bytes,
            "sha256": self._draft.sha256,
            "created_at": int(self._uploads.clock()),
        }
        # A request cancelled while its row is being written leaves the blob: the row is there, or a start sweeps it.
        self._kept = True
        try:
            return await self._uploads.database.write(lambda tx: self._add(tx, values))
        except Exception:
            self._kept = False
            raise

    def discard_unless_kept(self) -> None:
        """Takes the bytes away again when they did not become a file."""
        if not self._kept:
            self._draft.discard()

    def _settle(self, filename: str) -> str:
        if not self._draft.bytes:
            raise FileEmpty(param="file")
        try:
            self._draft.settle()
        except OSError as error:
            _refuse(error)
        return detect(self._draft.path, filename)

    def _add(self, tx: Transaction, values: dict[str, str | int]) -> FileRecord:
        Owners(tx).refuse_departed(self._owner)
        files = Files(tx)
        if files.count_waiting() >= self._uploads.most_waiting:
            raise QueueFull()
        tx.after_commit(self._uploads.extracting.wake)
        return files.add(**values)


def _refuse(error: OSError) -> NoReturn:
    raise StorageFull() if error.errno in NO_SPACE else error
