"""The workers that take waiting files from the queue, have them read, and settle them."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Self

import structlog

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.tokens import estimate_tokens
from files_service.blobs import Blobs
from files_service.extraction.confinement import Crashed, Image, Limits, Reading, read_document, read_image
from files_service.extraction.extract import Unreadable
from files_service.failures import Failure
from files_service.media_types import kind_of, reader_of
from files_service.settling import Settling
from files_service.stores.files import FileRecord, Files
from files_service.stores.images import ImageRecord, Images
from files_service.stores.texts import Texts

MOST_TRIES = 3
LEASE_MARGIN_SECONDS = 30
RECHECK_SECONDS = 15.0
PAUSE_AFTER_FAILURE_SECONDS = 1.0

log = structlog.get_logger()


class Extracting:
    """`async with` runs the workers. What was being read when the service ended is taken up again."""

    def __init__(
        self, database: Database, blobs: Blobs, settling: Settling, clock: Clock, limits: Limits, *, workers: int
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._settling = settling
        self._clock = clock
        self._limits = limits
        self._lease_seconds = limits.document_seconds + limits.wall_seconds + LEASE_MARGIN_SECONDS
        self._wake = asyncio.Event()
        self._count = workers
        self._workers: list[asyncio.Task[None]] = []
        self._readings: dict[str, asyncio.Timeout] = {}

    async def __aenter__(self) -> Self:
        # The data folder is ours alone, so whoever held these files is gone.
        await self._database.write(lambda tx: Files(tx).give_back_all(refund=False))
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._database.write(lambda tx: Files(tx).give_back_all(refund=True), frees_space=True)

    def wake(self) -> None:
        """Tells the workers that a file waits."""
        self._wake.set()

    def drop(self, file_ids: Iterable[str]) -> None:
        """For files that were deleted: nobody goes on reading them, and who waits for them is told."""
        for file_id in file_ids:
            if reading := self._readings.pop(file_id, None):
                reading.reschedule(0)  # its time was up long ago
            self._settling.announce(file_id)

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                held = await self._claim()
                if held is not None:
                    await self._extract(held)
                    continue
            except Exception as error:  # a full disk, say: the file waits, its lease runs out
                log.error("extraction_stumbled", exc_info=error)
                await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), RECHECK_SECONDS)

    async def _claim(self) -> FileRecord | None:
        # Most looks find nothing: only a file that waits is worth a write.
        if not await self._database.read(lambda tx: Files(tx).count_waiting()):
            return None
        now = self._clock()
        return await self._database.write(lambda tx: Files(tx).claim(now, now + self._lease_seconds))

    async def _extract(self, held: FileRecord) -> None:
        if held.tries > MOST_TRIES:
            await self._fail(held, Failure.NOT_PROCESSED)
            return
        try:
            found = await self._read(held)
        except Unreadable as unreadable:
            await self._fail(held, unreadable.failure)
        except Crashed as crash:
            log.warning("extraction_crashed", file_id=held.id, tries=held.tries, reason=str(crash))
            await self._database.write(lambda tx: Files(tx).give_back(held))
        except (FileNotFoundError, TimeoutError):  # deleted since it was claimed
            log.info("extraction_dropped", file_id=held.id)
        else:
            await self._keep(held, found)

    async def _read(self, held: FileRecord) -> Reading | Image:
        """Raises `Unreadable`, `Crashed`, and `TimeoutError` once the file is dropped."""
        async with asyncio.timeout(None) as reading:
            self._readings[held.id] = reading
            try:
                path = self._blobs.path(held.id)
                if kind_of(held.media_type) == "image":
                    return await read_image(path, self._limits)
                return await read_document(path, reader_of(held.media_type), self._limits)
            finally:
                self._readings.pop(held.id, None)

    async def _keep(self, held: FileRecord, found: Reading | Image) -> None:
        if isinstance(found, Image):
            keep = partial(self._keep_image, held, found)
        else:
            keep = partial(self._keep_text, held, found, estimate_tokens(found.text))

        def settle(tx: Transaction) -> None:
            if keep(tx):
                tx.after_commit(lambda: self._settling.announce(held.id))

        await self._database.write(settle)
        log.info("extracted", file_id=held.id, tries=held.tries)

    def _keep_text(self, held: FileRecord, reading: Reading, tokens: int, tx: Transaction) -> bool:
        is_held = Files(tx).settle_ready(
            held, pages=reading.pages, tokens=tokens, truncated=reading.truncated, now=self._clock()
        )
        if is_held:
            Texts(tx).put(held.id, reading.text)
        return is_held

    def _keep_image(self, held: FileRecord, image: Image, tx: Transaction) -> bool:
        is_held = Files(tx).settle_ready(held, pages=None, tokens=None, truncated=False, now=self._clock())
        if is_held:
            # On the writer's thread: no deletion comes between, and it finds either both or neither.
            self._blobs.keep_image(held.id, image.data)
            Images(tx).put(held.id, ImageRecord(image.media_type, image.width, image.height))
        return is_held

    async def _fail(self, held: FileRecord, failure: Failure) -> None:
        def settle(tx: Transaction) -> None:
            if Files(tx).settle_failed(held, str(failure), self._clock()):
                tx.after_commit(lambda: self._settling.announce(held.id))

        await self._database.write(settle)
        log.info("extraction_failed", file_id=held.id, code=str(failure))
