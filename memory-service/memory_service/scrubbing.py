"""Sees to it that nothing that was erased stays in unused room of the file, also when the process ends before that."""

import asyncio
from contextlib import suppress
from typing import Self

import structlog

from chassis.clock import Clock
from chassis.database import Database, Transaction
from memory_service.indexing import clear_leftovers
from memory_service.stores.erasures import Erasures

RETRY_SECONDS = 30.0

log = structlog.get_logger()


class Scrubbing:
    """`async with` runs it. What was erased at about the same time shares one scrub; nobody waits for it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._owed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="scrubbing")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def owe(self, tx: Transaction) -> None:
        """Part of every transaction that erases something."""
        Erasures(tx).add(self._clock())
        tx.after_commit(self._owed.set)

    async def _run(self) -> None:
        while True:
            self._owed.clear()
            try:
                await self._scrub_what_is_owed()
            except Exception as error:  # no room for a second copy, readers that never let go
                log.warning("scrub_postponed", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._owed.wait()

    async def _scrub_what_is_owed(self) -> None:
        last = await self._database.read(lambda tx: Erasures(tx).last())
        if last is not None:
            await clear_leftovers(self._database)
            await self._database.scrub()
            await self._database.write(lambda tx: Erasures(tx).done(last), frees_space=True)
