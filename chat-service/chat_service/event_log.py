"""The event log of responses: every reader is served from it, and gets only what is on disk.

One task saves for all running responses: what they say within 20 ms becomes one write; first words do not wait.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Self

import structlog

from chassis.database import Database, Transaction
from chat_service.answer import Answer
from chat_service.schemas.responses import ResponseObject
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents

BATCH_SECONDS = 0.02
RETRY_SECONDS = 0.5
POLL_SECONDS = 0.1
PING = b": ping\n\n"
FIRST_PING_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Final:
    """A response at its end: as it is stored, and as clients see it."""

    stored: StoredResponse
    seen: ResponseObject


class LiveLog:
    """The log of one response that is being generated here. An event's place in `saved` is its sequence number."""

    def __init__(self, response_id: str, answer: Answer, saved: list[bytes], keep_alive_seconds: float) -> None:
        self.response_id = response_id
        self.saved = saved
        self.final: Final | None = None
        self.receipt: dict[str, Any] | None = None
        self.ended = False
        self.settling = False
        self.erased = False
        self.readers = 0
        self._answer = answer
        self._keep_alive_seconds = keep_alive_seconds
        self._unsaved: list[bytes] = []
        self._changed = asyncio.Event()

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
                changed = self._changed
                if position < len(self.saved):
                    events = self.saved[position:]
                    position += len(events)
                    yield b"".join(events)
                elif self.ended:
                    return
                elif not await _happens_within(changed, silence):
                    yield PING
                    silence = self._keep_alive_seconds
        finally:
            self.readers -= 1

    async def wait(self) -> Final | None:
        """The response at its end; None when its end could not be written down."""
        self.readers += 1
        try:
            while not self.ended:
                await self._changed.wait()
            return self.final
        finally:
            self.readers -= 1

    def _tell_readers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class EventLog:
    """Saves what running responses say and serves readers. `async with` runs the task that saves."""

    def __init__(self, database: Database, keep_alive_seconds: float) -> None:
        self._database = database
        self._keep_alive_seconds = keep_alive_seconds
        self._live: dict[str, LiveLog] = {}
        self._waiting: dict[str, LiveLog] = {}
        self._something = asyncio.Event()
        self._at_once = asyncio.Event()
        self._saving = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._save_forever(), name="event log")
        return self

    async def __aexit__(self, *_: object) -> None:
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

    def told(self, live: LiveLog, *, at_once: bool = False) -> None:
        """Says that there is something to save: now, or with what else comes within the next 20 ms."""
        self._waiting[live.response_id] = live
        self._something.set()
        if at_once:
            self._at_once.set()

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

    async def _save_forever(self) -> None:
        while True:
            await self._something.wait()
            try:
                async with self._saving:
                    await self._save()
            except Exception as error:  # whatever it was, the other responses go on
                log.error("events_not_saved", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._at_once.wait()

    async def _save(self) -> None:
        self._something.clear()
        self._at_once.clear()
        waiting, self._waiting = self._waiting, {}
        batch = [Batch(live) for live in waiting.values() if not live.settling]
        if not batch:
            return
        try:
            await self._database.write(lambda tx: _save_together(tx, batch))
        except Exception:
            self._waiting = {**waiting, **self._waiting}
            self._something.set()
            raise


class Batch:
    """What one log has to save at one moment."""

    def __init__(self, live: LiveLog) -> None:
        self._live = live
        self._first = len(live.saved)
        self._events = list(live.unsaved())
        self._receipt = live.receipt

    def save(self, tx: Transaction) -> None:
        """Appends the events, unless the response was erased meanwhile, with its conversation."""
        response_id = self._live.response_id
        if Responses(tx).exists(response_id):
            StreamEvents(tx).append(response_id, self._first, self._events)
            if self._receipt:
                Responses(tx).keep_receipt(response_id, self._receipt)
        else:
            self._live.erased = True
        tx.after_commit(self._saved)

    def _saved(self) -> None:
        self._live.receipt = None
        self._live.publish(len(self._events))


def _save_together(tx: Transaction, batch: list[Batch]) -> None:
    for each in batch:
        each.save(tx)


async def _happens_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
