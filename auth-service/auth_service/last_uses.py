"""When sessions and API keys were last used: noted in memory, written down now and then, never once a request."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Self

import structlog

from auth_service.stores.api_keys import KEY_PREFIX, ApiKeys
from auth_service.stores.sessions import Sessions
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.problems import Problem

SECONDS_BETWEEN_WRITES = 60.0
MOST_NOTED = 100_000
NOTES_PER_WRITE = 1000

Note = tuple[str, int]
"""The id of a session or key, and unix seconds."""

log = structlog.get_logger()


class LastUses:
    """`async with` runs the task that writes them down; at the end it does so once more."""

    def __init__(self, database: Database, clock: Clock, *, every_seconds: float = SECONDS_BETWEEN_WRITES) -> None:
        self._database = database
        self._clock = clock
        self._every_seconds = every_seconds
        self._noted: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="last uses")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._write_down()

    def note(self, credential_id: str) -> None:
        """It is used now."""
        if credential_id in self._noted or len(self._noted) < MOST_NOTED:
            self._noted[credential_id] = int(self._clock())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            await self._write_down()

    async def _write_down(self) -> None:
        notes = list(self._noted.items())
        self._noted.clear()
        try:
            for start in range(0, len(notes), NOTES_PER_WRITE):
                await self._database.write(partial(_store, notes=notes[start : start + NOTES_PER_WRITE]))
        except Problem as problem:  # nobody misses them enough to try again
            log.warning("last_uses_not_stored", code=problem.code, count=len(notes))


def _store(tx: Transaction, notes: list[Note]) -> None:
    sessions, keys = Sessions(tx), ApiKeys(tx)
    for credential_id, used_at in notes:
        store = keys if credential_id.startswith(KEY_PREFIX) else sessions
        store.touch(credential_id, used_at)
