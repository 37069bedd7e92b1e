"""Consumer's side of events: each takes effect exactly once, in the transaction that remembers its id."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

import structlog
from fastapi import APIRouter, Depends, Request

from chassis.clock import Clock, system_clock
from chassis.database import Database, Transaction
from chassis.events import EVENTS_PATH, Delivery, Event, Outcome, Receipt
from chassis.policies import Service
from chassis.problems import Problem, StorageFull, StorageUnavailable, Unprocessable

REMEMBERED_SECONDS = 90 * 86_400
FORGET_EVERY_SECONDS = 3600

Handler = Callable[[Transaction, Event], None]

log = structlog.get_logger()


class UnknownEvent(Unprocessable):
    code = "unknown_event"
    detail = "This service does not know that kind of event."


class Inbox:
    """Applies deliveries. A handler refuses an event by raising a `Problem`; nothing of it is then kept.

    `async with` runs the task that drops ids so old that no sender still repeats them.
    """

    def __init__(self, database: Database, handlers: Mapping[str, Handler], clock: Clock = system_clock) -> None:
        self._database = database
        self._handlers = handlers
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._forget_hourly(), name="inbox")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def receive(self, events: list[Event]) -> list[Outcome]:
        """Applies the events in order and in one transaction; one that is refused holds back those of its key."""
        return await self._database.write(lambda tx: self._receive(tx, events))

    async def forget_old(self) -> int:
        """Drops the old ids; returns how many."""
        before = self._clock() - REMEMBERED_SECONDS
        return await self._database.write(
            lambda tx: tx.run("delete from inbox where received_at < ?", before), frees_space=True
        )

    async def _forget_hourly(self) -> None:
        while True:
            try:
                await self.forget_old()
            except Exception as error:  # a full disk, say; the next hour may be better
                log.warning("events_not_forgotten", exc_info=error)
            await asyncio.sleep(FORGET_EVERY_SECONDS)

    def _receive(self, tx: Transaction, events: list[Event]) -> list[Outcome]:
        stuck: set[str] = set()
        outcomes = []
        for event in events:
            outcome = Outcome(id=event.id, outcome="held") if event.key in stuck else self._apply(tx, event)
            if outcome.outcome == "refused":
                stuck.add(event.key)
            outcomes.append(outcome)
        return outcomes

    def _apply(self, tx: Transaction, event: Event) -> Outcome:
        try:
            with tx.savepoint():
                insert = "insert into inbox (event_id, received_at) values (?, ?) on conflict do nothing"
                if not tx.run(insert, event.id, self._clock()):
                    return Outcome(id=event.id, outcome="duplicate")
                handler = self._handlers.get(event.kind)
                if handler is None:
                    raise UnknownEvent()
                handler(tx, event)
        except (StorageFull, StorageUnavailable):
            raise
        except Problem as problem:
            log.warning("event_refused", event_id=event.id, kind=event.kind, code=problem.code)
            return Outcome(id=event.id, outcome="refused", code=problem.code)
        except Exception as error:
            log.error("event_failed", event_id=event.id, kind=event.kind, exc_info=error)
            return Outcome(id=event.id, outcome="refused", code="internal_error")
        return Outcome(id=event.id, outcome="applied")


def events_router(*producers: str) -> APIRouter:
    """`POST /internal/events` for the named services; the lifespan puts the `Inbox` at `app.state.inbox`."""
    router = APIRouter(tags=["events"])

    @router.post(EVENTS_PATH, dependencies=[Depends(Service(producers))], operation_id="receive_events")
    async def receive_events(delivery: Delivery, request: Request) -> Receipt:
        """Applies a batch of events; each takes effect once however often it is delivered."""
        inbox: Inbox = request.app.state.inbox
        return Receipt(outcomes=await inbox.receive(delivery.events))

    return router
