"""What is dropped with time: logs of responses that ended a day ago, idempotency keys, requests of the last minute."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import structlog

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chat_service.repeats import RETRY_SECONDS
from chat_service.settings import Settings
from chat_service.stores.idempotency_keys import IdempotencyKeys
from chat_service.stores.recent_requests import RecentRequests
from chat_service.stores.stream_events import StreamEvents

LOGS_AT_ONCE = 100

log = structlog.get_logger()


@dataclass(frozen=True)
class KeepingTimes:
    """In seconds: how long things are kept, and the pause between two looks."""

    events: float
    keys: float
    pause: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As this deployment sets them."""
        return cls(settings.events_kept_seconds, settings.idempotency_seconds, settings.upkeep_seconds)


class Upkeep:
    """`async with` runs it."""

    def __init__(self, database: Database, times: KeepingTimes, clock: Clock) -> None:
        self._database = database
        self._times = times
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="upkeep")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def drop_expired(self) -> None:
        """Drops everything that has expired, a little at a time."""
        while await self._database.write(self._drop_some, frees_space=True) == LOGS_AT_ONCE:
            pass

    def _drop_some(self, tx: Transaction) -> int:
        now = self._clock()
        IdempotencyKeys(tx).drop_older_than(now - self._times.keys)
        RecentRequests(tx).drop_older_than(now - RETRY_SECONDS)
        return StreamEvents(tx).drop_ended_before(now - self._times.events, LOGS_AT_ONCE)

    async def _run(self) -> None:
        while True:
            try:
                await self.drop_expired()
            except Exception as error:  # a full disk, say; the next time may be better
                log.warning("upkeep_failed", exc_info=error)
            await asyncio.sleep(self._times.pause)
