"""Producer's side of events: written with what happened, relayed at least once, in order per consumer and key."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

import orjson
import structlog

from chassis.clock import Clock, system_clock
from chassis.database import PATIENCE_SECONDS, Database, Row, Transaction
from chassis.events import EVENTS_PATH, EVENTS_PER_DELIVERY, Outcome, Receipt
from chassis.ids import new_id
from chassis.neighbours import Neighbour
from chassis.problems import Problem

MAXIMUM_TRIES = 10
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 300.0
LONGEST_OUTAGE_PAUSE_SECONDS = 5.0
POLL_SECONDS = 1.0
DELIVERY_SECONDS = 10.0
GATHER_SECONDS = 0.25
"""Between two deliveries, so that under load several events share one; after a quiet while an event leaves at once."""
BYTES_PER_DELIVERY = 1_000_000
"""Below what any consumer takes as a body; an event that is longer travels alone."""

# What may go out now: not parked, not waiting for its next try, and not behind an event of its key that waits.
DUE = """
    select sequence, event_id, kind, key, data, created_at, tries
      from outbox as due
     where consumer = :consumer and parked_at is null and next_try_at <= :now
       and not exists (select 1 from outbox as earlier
                        where earlier.consumer = due.consumer and earlier.key = due.key
                          and earlier.sequence < due.sequence and earlier.parked_at is null
                          and earlier.next_try_at > :now)
     order by sequence
     limit :limit
"""

log = structlog.get_logger()


class Outbox:
    """Holds a relay for each consumer; `async with` runs them."""

    def __init__(self, database: Database, consumers: Mapping[str, Neighbour], clock: Clock = system_clock) -> None:
        self._clock = clock
        self._relays = {name: Relay(database, name, neighbour, clock) for name, neighbour in consumers.items()}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for relay in self._relays.values():
            await self._stack.enter_async_context(relay)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def put(self, tx: Transaction, *, to: str, kind: str, key: str, data: Mapping[str, Any]) -> str:
        """Owes `to` an event, as part of the caller's transaction; returns the event's id."""
        event_id = new_id("evt")
        tx.run(
            "insert into outbox (event_id, consumer, kind, key, data, created_at)"
            " values (:event_id, :consumer, :kind, :key, :data, :created_at)",
            event_id=event_id,
            consumer=to,
            kind=kind,
            key=key,
            data=_text(data),
            created_at=self._clock(),
        )
        tx.after_commit(self._relays[to].wake)
        return event_id


def is_owed(tx: Transaction, consumer: str, kind: str, key: str) -> bool:
    """Whether the consumer has yet to take an event of that kind and key, or has refused it for good."""
    owed = "select 1 from outbox where consumer = ? and key = ? and kind = ? limit 1"
    return tx.value(owed, consumer, key, kind) is not None


def rewrite_pending(tx: Transaction, consumer: str, rewrite: Callable[[dict[str, Any]], dict[str, Any] | None]) -> int:
    """Changes what is still owed to a consumer: `rewrite` gets each event's data and returns it as it shall be.

    None drops the event. Returns how many were changed or dropped. An event that is being delivered at this moment
    arrives as it was.
    """
    changed = 0
    for row in _pending(tx, consumer):
        rewritten = rewrite(orjson.loads(row["data"]))
        if rewritten is None:
            changed += tx.run("delete from outbox where sequence = ?", row["sequence"])
        elif _text(rewritten) != row["data"]:
            changed += tx.run("update outbox set data = ? where sequence = ?", _text(rewritten), row["sequence"])
    return changed


def _pending(tx: Transaction, consumer: str) -> Iterator[Row]:
    """A few at a time: what a consumer that is down has waiting may be more than memory holds."""
    batch = "select sequence, data from outbox where consumer = ? and sequence > ? order by sequence limit ?"
    last = 0
    while rows := tx.all(batch, consumer, last, EVENTS_PER_DELIVERY):
        yield from rows
        last = rows[-1]["sequence"]


class Relay:
    """Delivers one consumer's events. While the consumer is down it waits; a refused event is parked after 10 tries."""

    def __init__(self, database: Database, consumer: str, neighbour: Neighbour, clock: Clock) -> None:
        self._database = database
        self._consumer = consumer
        self._neighbour = neighbour
        self._clock = clock
        self._due = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"relay to {self._consumer}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def wake(self) -> None:
        """Says that there may be something to deliver."""
        self._due.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_RETRY_SECONDS
        while True:
            self._due.clear()
            gathered_at = loop.time() + GATHER_SECONDS
            try:
                is_more_due = await self._deliver_due()
                pause = FIRST_RETRY_SECONDS
            except Problem as problem:
                log.warning("consumer_down", consumer=self._consumer, code=problem.code)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_OUTAGE_PAUSE_SECONDS)
                continue
            except Exception as error:
                log.error("relay_failed", consumer=self._consumer, exc_info=error)
                await asyncio.sleep(POLL_SECONDS)
                continue
            if not is_more_due:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), POLL_SECONDS)
                await asyncio.sleep(gathered_at - loop.time())

    async def _deliver_due(self) -> bool:
        """Delivers one batch; returns whether more may be due. Raises a `Problem` when the consumer is down."""
        now = self._clock()
        due = await self._database.read(
            lambda tx: tx.all(DUE, consumer=self._consumer, now=now, limit=EVENTS_PER_DELIVERY)
        )
        rows = _within_a_body(due)
        if rows:
            body = {"events": [_event(row) for row in rows]}
            answer = await self._neighbour.call(
                "POST", EVENTS_PATH, json=body, deadline=DELIVERY_SECONDS, idempotent=True
            )
            outcomes = {outcome.id: outcome for outcome in Receipt.model_validate_json(answer.content).outcomes}
            await self._database.write(
                lambda tx: self._settle(tx, rows, outcomes), frees_space=True, patience=PATIENCE_SECONDS
            )
        return len(rows) < len(due) or len(due) == EVENTS_PER_DELIVERY

    def _settle(self, tx: Transaction, rows: list[dict[str, Any]], outcomes: Mapping[str, Outcome]) -> None:
        for row in rows:
            outcome = outcomes.get(row["event_id"])
            if outcome and outcome.outcome in ("applied", "duplicate"):
                tx.run("delete from outbox where sequence = ?", row["sequence"])
            elif outcome and outcome.outcome == "refused":
                self._postpone(tx, row, outcome.code)

    def _postpone(self, tx: Transaction, row: Mapping[str, Any], refusal: str | None) -> None:
        now = self._clock()
        tx.run(
            "update outbox"
            "   set tries = tries + 1, next_try_at = :next_try_at, refusal = :refusal,"
            "       parked_at = case when tries + 1 >= :maximum then :now end"
            " where sequence = :sequence",
            next_try_at=now + min(FIRST_RETRY_SECONDS * 2 ** row["tries"], LONGEST_RETRY_SECONDS),
            refusal=refusal,
            maximum=MAXIMUM_TRIES,
            now=now,
            sequence=row["sequence"],
        )
        log.warning(
            "event_refused" if row["tries"] + 1 < MAXIMUM_TRIES else "event_parked",
            consumer=self._consumer,
            event_id=row["event_id"],
            kind=row["kind"],
            tries=row["tries"] + 1,
            code=refusal,
        )


def _within_a_body(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of them as fit into one delivery, at least one."""
    room = BYTES_PER_DELIVERY
    for count, row in enumerate(rows):
        room -= len(row["data"].encode())
        if room < 0 and count:
            return rows[:count]
    return rows


def _text(data: Mapping[str, Any]) -> str:
    return orjson.dumps(data).decode()


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    """As `Delivery` has it; its data is JSON already."""
    return {
        "id": row["event_id"],
        "kind": row["kind"],
        "key": row["key"],
        "created_at": row["created_at"],
        "data": orjson.Fragment(row["data"]),
    }
