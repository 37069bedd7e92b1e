"""Stateless calls of the model while they run: admitted before, stopped when whoever asked is gone, recorded after."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import structlog

from chassis.identity import Principal
from chassis.problems import Unauthenticated
from chat_service.ledger_records import CallRecord
from chat_service.repeats import Repeatable
from chat_service.unkept_answers import UnkeptAnswers

Headers = dict[str, str]
Admit = Callable[[Principal], AbstractAsyncContextManager[Headers]]
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
    """`admit` raises unless a caller may make a call, and lasts as long as that. `async with` waits for the records."""

    def __init__(self, admit: Admit, record: RecordCall, answers: UnkeptAnswers) -> None:
        self._admit = admit
        self._record = record
        self._answers = answers
        self._running: set[RunningCall] = set()
        self._writing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._writing)

    @asynccontextmanager
    async def running(self, caller: Principal, repeatable: Repeatable | None = None) -> AsyncGenerator[Headers]:
        """While the present task makes a call: the headers of its answer.

        Raises what `admit` does, what a repeated key is refused for, and `Unauthenticated` when it is stopped.
        """
        call = RunningCall(caller.user_id)
        self._running.add(call)  # before it is admitted: an owner is either refused there or found here
        try:
            with self._answers.once(call.owner, repeatable):
                async with self._admit(caller) as headers:
                    yield headers
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
