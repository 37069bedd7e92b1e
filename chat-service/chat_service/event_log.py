"""The event log of responses: every reader is served from it, and gets only what is on disk.

One task saves for all running responses: what they say within a moment becomes one write; first words do not wait.
The moment is longer the more responses there are, so that words of many do not cost as much as words of few
(docs/decisions/0008). Until then they stay where the model's connection has put them.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Self

import structlog

from chassis.database import Database, Transaction
from chat_service.answer import Answer
from chat_service.context import Receipt
from chat_service.stores.contexts import SentContexts
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents

BATCH_SECONDS = 0.02
MORE_FOR_EACH_RESPONSE = 0.001
LONGEST_BATCH_SECONDS = 0.1
RETRY_SECONDS = 0.5
POLL_SECONDS = 0.1
PING = b": ping\n\n"
FIRST_PING_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Final:
    """A response at its end: as it is stored, and as clients see it."""

    stored: StoredResponse
    seen: dict[str, Any]


class LiveLog:
    """The log of one response that is being generated here. An event's place in `saved` is its sequence number."""

    def __init__(self, response_id: str, answer: Answer, saved: list[bytes], keep_alive_seconds: float) -> None:
        self.response_id = response_id
        self.saved = saved
        self.final: Final | None = None
        self.receipt: Receipt | None = None
        self.ended = False
        self.settling = False
        self.erased = False
        self.readers = 0
        self._answer = answer
        self._keep_alive_seconds = keep_alive_seconds
        self._unsaved: list[bytes] = []
        self._waiters: set[asyncio.Future[bool]] = set()

    def unsaved(self) -> list[bytes]:
        """The events that are not on disk yet; they stay here until `publish` says so."""
        self._unsaved += self._answer.events()
        return self._unsaved

    def publish(self, count: int) -> None:
        """Shows readers the first `count` unsaved events, which are on disk now."""
        self.saved += self._unsaved[:count]
        del self._unsaved[:count]
        self._tell_readers()

    def end(self, final: Final | None) -> None:
        """Sends readers home once they have read what is saved."""
        self.final = final
        self.ended = True
        self._tell_readers()

    async def follow(self, after: int) -> AsyncGenerator[bytes]:
        """The events beyond a sequence number, as many at a time as are there; ends with the response.

        Readers share the events and go at their own pace: a slow one holds up nobody. A comment breaks a long silence.
        """
        self.readers += 1
        position = after + 1
        silence = min(FIRST_PING_SECONDS, self._keep_alive_seconds)
        try:
            while True:
                if position < len(self.saved):
                    events = self.saved[position:]
                    position += len(events)
                    yield b"".join(events)
                elif self.ended:
                    return
                elif not await self._change(silence):
                    yield PING
                    silence = self._keep_alive_seconds
        finally:
            self.readers -= 1

    async def wait(self) -> Final | None:
        """The response at its end; None when its end could not be written down."""
        self.readers += 1
        try:
            while not self.ended:
                await self._change(self._keep_alive_seconds)
            return self.final
        finally:
            self.readers -= 1

    async def _change(self, seconds: float) -> bool:
        """Waits until there is something new, but not longer; whether there is."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _settle, waiter, False)
        self._waiters.add(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)

    def _tell_readers(self) -> None:
        for waiter in self._waiters:
            _settle(waiter, True)


class EventLog:
    """Saves what running responses say and serves readers. `async with` runs the task that saves."""

    def __init__(self, database: Database, keep_alive_seconds: float) -> None:
        self._database = database
        self._keep_alive_seconds = keep_alive_seconds
        self._live: dict[str, LiveLog] = {}
        self._waiting: dict[str, LiveLog] = {}
        self._due: dict[str, LiveLog] = {}
        self._moments: list[asyncio.Future[bool]] = []
        self._something_is_due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._saving = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._save_forever(), name="event log")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def open(self, response_id: str, answer: Answer, saved: list[bytes]) -> LiveLog:
        """Begins the log of a response whose first events are `saved`."""
        live = self._live[response_id] = LiveLog(response_id, answer, saved, self._keep_alive_seconds)
        return live

    def close(self, live: LiveLog, final: Final | None) -> None:
        """Ends a log; readers that are still at it finish, later ones read from disk."""
        live.end(final)
        self._live.pop(live.response_id, None)

    def find(self, response_id: str) -> LiveLog | None:
        """The log of a response that is being generated here."""
        return self._live.get(response_id)

    def has_readers(self, response_id: str) -> bool:
        """Whether somebody listens to a response that is being generated here."""
        live = self._live.get(response_id)
        return live is not None and live.readers > 0

    def told(self, live: LiveLog, *, at_once: bool = False) -> None:
        """Says that there is something to save: now, or with what else comes in the same moment."""
        if at_once:
            self._due[live.response_id] = live
            self._something_is_due.set()
        else:
            self._waiting[live.response_id] = live
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(batch_seconds(len(self._live)), self._all_is_due)

    def moment(self, live: LiveLog) -> "asyncio.Future[bool]":
        """Done when this log is about to be saved with those of others: what is said right then is saved with it."""
        self.told(live)
        moment: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._moments.append(moment)
        return moment

    async def settle(self, live: LiveLog) -> None:
        """After it, nothing saves events of this response but its own last write."""
        live.settling = True
        async with self._saving:  # lets a batch that holds some of its events get through
            pass

    async def follow(self, response_id: str, after: int) -> AsyncGenerator[bytes]:
        """The events of any response beyond a sequence number, until its end."""
        while True:
            if live := self._live.get(response_id):
                async with aclosing(live.follow(after)) as following:
                    async for events in following:
                        yield events
                return
            saved, running = await self._read(response_id, after)
            if saved:
                after += len(saved)
                yield b"".join(saved)
            if not running:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def wait(self, response_id: str) -> Final | None:
        """Waits for the end of a response; how it ended, if it was generated here."""
        while True:
            if live := self._live.get(response_id):
                return await live.wait()
            if not await self._database.read(lambda tx: Responses(tx).is_running(response_id)):
                return None
            await asyncio.sleep(POLL_SECONDS)

    async def _read(self, response_id: str, after: int) -> tuple[list[bytes], bool]:
        """What is on disk beyond an event, and whether there is more to come."""
        return await self._database.read(
            lambda tx: (StreamEvents(tx).after(response_id, after), Responses(tx).is_running(response_id))
        )

    def _all_is_due(self) -> None:
        self._timer = None
        moments, self._moments = self._moments, []
        for moment in moments:  # whoever waits for it goes on before anything is saved
            _settle(moment, True)
        self._due |= self._waiting
        self._waiting = {}
        self._something_is_due.set()

    async def _save_forever(self) -> None:
        while True:
            await self._something_is_due.wait()
            try:
                async with self._saving:
                    await self._save()
            except Exception as error:  # whatever it was, the other responses go on
                log.error("events_not_saved", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _save(self) -> None:
        self._something_is_due.clear()
        due, self._due = self._due, {}
        batches = [Batch(live) for live in due.values() if not live.settling]
        batch = [each for each in batches if each.has_something]
        if not batch:
            return
        try:
            await self._database.write(lambda tx: _save_together(tx, batch))
        except Exception:
            self._due = due | self._due
            self._something_is_due.set()
            raise


def batch_seconds(responses: int) -> float:
    """How long the words of so many responses wait for each other."""
    return min(BATCH_SECONDS + MORE_FOR_EACH_RESPONSE * (responses - 1), LONGEST_BATCH_SECONDS)


class Batch:
    """What one log has to save at one moment."""

    def __init__(self, live: LiveLog) -> None:
        self._live = live
        self._first = len(live.saved)
        self._events = list(live.unsaved())
        self._receipt = live.receipt

    @property
    def has_something(self) -> bool:
        """To save."""
        return bool(self._events or self._receipt)

    def save(self, tx: Transaction) -> None:
        """Appends the events, unless the response was erased meanwhile, with its conversation."""
        response_id = self._live.response_id
        is_there = (
            StreamEvents(tx).append(response_id, self._first, self._events)
            if self._events
            else Responses(tx).exists(response_id)
        )
        if is_there:
            if self._receipt:
                Responses(tx).keep_receipt(response_id, self._receipt.summary)
                SentContexts(tx).add(response_id, self._receipt.packed())
        else:
            self._live.erased = True
        tx.after_commit(self._saved)

    def _saved(self) -> None:
        self._live.receipt = None
        self._live.publish(len(self._events))


def _save_together(tx: Transaction, batch: list[Batch]) -> None:
    for each in batch:
        each.save(tx)


def _settle(waiter: "asyncio.Future[bool]", outcome: bool) -> None:
    if not waiter.done():
        waiter.set_result(outcome)
