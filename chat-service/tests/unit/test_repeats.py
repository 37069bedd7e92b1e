"""How long a request is known again."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.migrations import package_migrations
from chat_service.repeats import RETRY_SECONDS, Deliveries, Repeatable, Repeats
from chat_service.stores.recent_requests import RecentRequests
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.upkeep import KeepingTimes, Upkeep

from .test_answer import TURN

CALLER = Principal("user_1", "sess_1", "user", frozenset(), None, 0.0, "")
RETRY = Repeatable("hash", is_retry=True)
SENT_AT = 1000.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("chat_service")]) as opened:
        yield opened


async def send(database: Database) -> None:
    """Stores a turn, and what the request for it was."""

    def write(tx: Transaction) -> None:
        tx.run(
            "insert into conversations (id, owner, metadata, created_at, updated_at) values (?, 'user_1', '{}', 1, 1)",
            TURN.conversation_id,
        )
        turn = replace(TURN, owner="user_1", created_at=SENT_AT)
        Responses(tx).add(turn)
        Repeats(lambda _: False, lambda: SENT_AT).remember(tx, CALLER, RETRY, turn)

    await database.write(write)


async def retried(database: Database, at: float) -> StoredResponse | None:
    repeats = Repeats(lambda _: False, lambda: at)
    return await database.read(lambda tx: repeats.made_before(tx, CALLER, RETRY))


async def test_a_retry_is_one_within_a_minute(database: Database) -> None:
    await send(database)

    at_last = await retried(database, SENT_AT + RETRY_SECONDS)
    too_late = await retried(database, SENT_AT + RETRY_SECONDS + 1)

    assert at_last is not None
    assert at_last.id == TURN.id
    assert too_late is None


async def test_what_a_request_was_is_dropped_after_that(database: Database) -> None:
    await send(database)

    kept = []
    for now in (SENT_AT + RETRY_SECONDS, SENT_AT + RETRY_SECONDS + 1):
        await Upkeep(database, KeepingTimes(events=9e9, keys=9e9, pause=1), partial(float, now)).drop_expired()
        kept.append(await database.read(lambda tx: RecentRequests(tx).since(RETRY.fingerprint(CALLER), 0)))

    assert kept == [[TURN.id], []]


def test_what_was_delivered_is_forgotten_after_that() -> None:
    now = SENT_AT
    deliveries = Deliveries(lambda: now)
    deliveries.add("resp_1")

    now += RETRY_SECONDS + 1
    deliveries.add("resp_2")

    assert "resp_1" not in deliveries
    assert "resp_2" in deliveries


def test_one_that_is_delivered_again_and_again_does_not_keep_the_others() -> None:
    now = SENT_AT
    deliveries = Deliveries(lambda: now)
    deliveries.add("resp_1")
    deliveries.add("resp_2")

    now += RETRY_SECONDS / 2
    deliveries.add("resp_1")
    now += RETRY_SECONDS / 2 + 1
    deliveries.add("resp_1")

    assert "resp_1" in deliveries
    assert "resp_2" not in deliveries
