"""Stateless calls of the model while they run: admitted before, stopped when whoever asked is gone, recorded after."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from typing import Any, Self

import structlog

from chassis.problems import Unauthenticated
from chat_service.ledger_records import CallRecord

Admit = Callable[[str], Awaitable[None]]
RecordCall = Callable[[CallRecord], Awaitable[None]]

log = structlog.get_logger()


class RunningCall:
    """A call that the present task reads."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.ended = asyncio.Event()
        self.is_stopped = False
        self._reader: asyncio.Task[Any] | None = asyncio.current_task()

    def stop(self) -> None:
        """Cuts into whatever the reader waits for: the model, or a client that does not read."""
        if self._reader and not self.is_stopped:
            self.is_stopped = True
            self._reader.cancel()

    def take_back(self) -> None:
        """The reader goes on: only its call was stopped."""
        if self._reader:
            self._reader.uncancel()


class RunningCalls:
    """`admit` raises unless an owner may make calls. `async with` waits for the records under way."""

    def __init__(self, admit: Admit, record: RecordCall) -> None:
        self._admit = admit
        self._record = record
        self._running: set[RunningCall] = set()
        self._writing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._writing)

    @asynccontextmanager
    async def running(self, owner: str) -> AsyncGenerator[None]:
        """While the present task makes a call. Raises what `admit` does, and `Unauthenticated` when it is stopped."""
        call = RunningCall(owner)
        self._running.add(call)  # before it is admitted: an owner is either refused there or found here
        try:
            await self._admit(owner)
            yield
        except asyncio.CancelledError:
            if not call.is_stopped:
                raise
            call.take_back()
            raise Unauthenticated() from None
        finally:
            self._running.discard(call)
            call.ended.set()

    async def record(self, record: CallRecord) -> None:
        """Writes down what a call cost; goes on when the request that it belongs to is cancelled."""
        writing = asyncio.create_task(self._write_or_log(record))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        await asyncio.shield(writing)

    def owners(self) -> set[str]:
        """Whose calls run."""
        return {call.owner for call in self._running}

    async def stop_all(self, owners: Container[str]) -> None:
        """Stops the calls of these owners and waits until they are recorded."""
        stopped = [call for call in self._running if call.owner in owners]
        for call in stopped:
            call.stop()
        for call in stopped:
            await call.ended.wait()
        if stopped:
            await asyncio.gather(*self._writing)

    async def _write_or_log(self, record: CallRecord) -> None:
        """An answer that is there is not withheld because its cost could not be written down."""
        try:
            await self._record(record)
        except Exception as error:
            log.error("call_not_recorded", model=record.model, exc_info=error)
