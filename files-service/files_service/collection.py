"""What users do with the files they have, and what chat asks about them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from chassis.database import Database, Transaction
from chassis.owners import Owners
from chassis.pages import PageQuery
from files_service.blobs import Blobs
from files_service.extracting import Extracting
from files_service.failures import MESSAGES
from files_service.media_types import kind_of
from files_service.problems import FileFailed, FileIsImage, FileNotReady, UnknownFile
from files_service.settling import Settling
from files_service.stores.files import FileRecord, Files
from files_service.stores.images import ImageRecord, Images
from files_service.stores.texts import Texts

T = TypeVar("T")


@dataclass(frozen=True)
class FileWithContent:
    """`text` of a text, `image` and its `pixels` of an image: None unless the file is ready."""

    file: FileRecord
    text: str | None = None
    image: ImageRecord | None = None
    pixels: bytes = b""


class Collection:
    """Every question names its owner; a file of somebody else is as unknown as one that never was."""

    def __init__(self, database: Database, blobs: Blobs, settling: Settling, extracting: Extracting) -> None:
        self._database = database
        self._blobs = blobs
        self._settling = settling
        self._extracting = extracting

    async def page(self, owner: str, query: PageQuery, purpose: str | None) -> list[FileRecord]:
        """Up to one file more than the page holds."""
        return await self._database.read(
            lambda tx: Files(tx).page(
                owner, after=query.after, order=query.order, purpose=purpose, count=query.limit + 1
            )
        )

    async def find(self, owner: str, file_id: str) -> FileRecord:
        """Raises `UnknownFile`."""
        return await self._database.read(lambda tx: _found(tx, owner, file_id))

    async def open(self, owner: str, file_id: str) -> tuple[FileRecord, BinaryIO]:
        """The file with its bytes; the caller closes them. Raises `UnknownFile`."""
        file = await self.find(owner, file_id)
        try:
            return file, await asyncio.to_thread(self._blobs.open, file_id)
        except FileNotFoundError:  # deleted between the two
            raise UnknownFile() from None

    async def text(self, owner: str, file_id: str) -> FileWithContent:
        """The file with its text. Raises `UnknownFile`, `FileIsImage`, `FileNotReady`, `FileFailed`."""
        found = await self._database.read(lambda tx: _with_content(tx, owner, file_id))
        if kind_of(found.file.media_type) == "image":
            raise FileIsImage()
        if found.file.error_code is not None:
            raise FileFailed(MESSAGES[found.file.error_code])
        if found.text is None:
            raise FileNotReady()
        return found

    async def delete(self, owner: str, file_id: str) -> None:
        """Forgets the file, its bytes and what was found in them. Raises `UnknownFile`, `Unauthenticated`."""

        def remove(tx: Transaction) -> None:
            Owners(tx).refuse_departed(owner)
            if not Files(tx).remove(owner, file_id):
                raise UnknownFile()
            tx.after_commit(lambda: self._extracting.drop([file_id]))

        await self._database.write(remove, frees_space=True)
        # A crash between the two leaves bytes without a row; the next start sweeps them.
        await asyncio.to_thread(self._blobs.remove, file_id)

    async def contents(self, owner: str, file_ids: list[str], wait_seconds: float) -> list[FileWithContent]:
        """The files with what was found in them, once all are settled or the time is up. Raises `UnknownFile`.

        A turn may have begun before its owner was merged into another: the files are looked for where they are now.
        """
        with self._settling.watch(file_ids) as changed:
            try:
                async with asyncio.timeout(wait_seconds):
                    while not all(file.settled for file in await self._records(owner, file_ids)):
                        await changed.wait()
                        changed.clear()
            except TimeoutError:
                pass
        found = await self._database.read(lambda tx: _each(_with_content, tx, owner, file_ids))
        return await asyncio.to_thread(lambda: [self._with_pixels(file) for file in found])

    def _with_pixels(self, found: FileWithContent) -> FileWithContent:
        if found.image is None:
            return found
        try:
            return replace(found, pixels=self._blobs.image_path(found.file.id).read_bytes())
        except FileNotFoundError:  # deleted between the two
            raise UnknownFile() from None

    async def _records(self, owner: str, file_ids: list[str]) -> list[FileRecord]:
        return await self._database.read(lambda tx: _each(_found, tx, owner, file_ids))


def _each(find: Callable[[Transaction, str, str], T], tx: Transaction, owner: str, file_ids: list[str]) -> list[T]:
    present = Owners(tx).present(owner)
    return [find(tx, present, file_id) for file_id in file_ids]


def _found(tx: Transaction, owner: str, file_id: str) -> FileRecord:
    file = Files(tx).find(owner, file_id)
    if file is None:
        raise UnknownFile()
    return file


def _with_content(tx: Transaction, owner: str, file_id: str) -> FileWithContent:
    file = _found(tx, owner, file_id)
    if file.state != "ready":
        return FileWithContent(file)
    return FileWithContent(file, Texts(tx).of(owner, file_id), Images(tx).of(owner, file_id))
