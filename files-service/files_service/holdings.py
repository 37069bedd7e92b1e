"""What files holds of an owner: rows with their texts, bytes on disk, and whatever is being read at the moment."""

import asyncio
from collections.abc import Collection

from chassis.database import Transaction
from chassis.owners import Counts
from files_service.blobs import Blobs
from files_service.extracting import Extracting
from files_service.stores.files import Files


class FileHoldings:
    """`chassis.owners.Holdings` of files."""

    def __init__(self, blobs: Blobs, extracting: Extracting) -> None:
        self._blobs = blobs
        self._extracting = extracting
        # By owner. A crash loses it, but then the next start sweeps every blob without a row.
        self._without_rows: dict[str, Collection[str]] = {}

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """Every file of `owner` is one of `into`; what is being read goes on being read."""
        return _counts(Files(tx).give(owner, into))

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """No file and no text stays; whoever waits for one is told, reading ends."""
        sizes = Files(tx).remove_all(owner)
        tx.after_commit(lambda: self._removed(owner, sizes.keys()))
        return _counts(sizes.values())

    async def erased(self, owner: str) -> None:
        """The bytes go too; what could not be deleted is tried again when the erasure is repeated."""
        await asyncio.to_thread(self._blobs.remove, *self._without_rows.get(owner, ()))
        self._without_rows.pop(owner, None)

    def _removed(self, owner: str, file_ids: Collection[str]) -> None:
        self._without_rows[owner] = file_ids
        self._extracting.drop(file_ids)


def _counts(sizes: Collection[int]) -> Counts:
    return {"files": len(sizes), "bytes": sum(sizes)}
