"""The event log: what readers get is on disk, whatever the storage does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.migrations import package_migrations
from chat_service import event_log
from chat_service.answer import Answer
from chat_service.context import Receipt
from chat_service.event_log import EventLog, LiveLog
from chat_service.responses import describe
from chat_service.stores.responses import Responses
from chat_service.stores.stream_events import StreamEvents

from .test_answer import TURN


class Room:
    """A database with one running response, and its log."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self.database = database
        self.log = log
        self.answer = Answer()
        self.answer.begin(describe(TURN, []))
        self.first = self.answer.events()

    async def on_disk(self) -> list[bytes]:
        return await self.database.read(lambda tx: StreamEvents(tx).after(TURN.id, -1))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    with Database(tmp_path, [package_migrations("chat_service")]) as database:
        async with EventLog(database, keep_alive_seconds=15) as log:
            room = Room(database, log)

            def accept(tx: Transaction) -> None:
                tx.run(
                    "insert into conversations (id, owner, metadata, created_at, updated_at)"
                    " values ('conv_1', 'user_1', '{}', 1, 1)"
                )
                Responses(tx).add(TURN)
                StreamEvents(tx).append(TURN.id, 0, room.first)

            await database.write(accept)
            yield room


async def test_readers_get_only_what_is_on_disk(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    got: list[bytes] = []

    async def read() -> None:
        async for events in room.log.follow(TURN.id, -1):
            got.append(events)
            assert b"".join(await room.on_disk()).startswith(b"".join(got))

    reading = asyncio.create_task(read())
    for number in range(30):
        room.answer.say(f"word{number} ")
        room.log.told(live, at_once=number == 0)
        await asyncio.sleep(0.002)
    await asyncio.sleep(2 * event_log.BATCH_SECONDS)
    room.log.close(live, None)
    await reading

    assert b"".join(got) == b"".join(await room.on_disk())
    assert b"word29" in got[-1]


async def test_events_that_the_storage_refused_come_later_in_order(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "RETRY_SECONDS", 0.05)
    await room.database.write(
        lambda tx: tx.run("create trigger full before insert on stream_events begin select raise(abort, 'full'); end")
    )
    live = room.log.open(TURN.id, room.answer, list(room.first))
    live.receipt = Receipt({"tokens": 12}, [])
    room.answer.say("one ")
    room.log.told(live, at_once=True)
    await asyncio.sleep(0.03)
    unseen = list(live.saved)
    room.answer.say("two")
    await room.database.write(lambda tx: tx.run("drop trigger full"))
    await anext(live.follow(len(room.first) - 1))
    kept = await room.database.read(lambda tx: Responses(tx).find(TURN.owner, TURN.id))

    assert unseen == room.first
    assert await room.on_disk() == live.saved
    assert kept is not None
    assert kept.receipt == {"tokens": 12}
    assert b'"sequence_number":5' in live.saved[-1] or b"one two" in live.saved[-1]


async def test_a_slow_reader_holds_up_nobody(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    slow = live.follow(-1)
    await anext(slow)
    for _ in range(3):
        room.answer.say("x" * 100_000)
        room.log.told(live, at_once=True)
        await asyncio.sleep(0.03)
    room.log.close(live, None)

    fast = [events async for events in live.follow(1)]

    assert b"".join(fast) == b"".join(live.saved[2:])
    assert b"".join([events async for events in slow]) == b"".join(fast)


async def test_a_response_erased_meanwhile_is_noticed(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    await room.database.write(lambda tx: Responses(tx).erase(TURN.id))

    room.answer.say("one")
    room.log.told(live, at_once=True)
    await anext(live.follow(1))

    assert live.erased
    assert await room.on_disk() == []


async def test_once_a_log_is_settled_only_its_last_write_saves(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    await room.log.settle(live)

    room.answer.say("last words")
    room.log.told(live, at_once=True)
    await asyncio.sleep(3 * event_log.BATCH_SECONDS)

    assert await room.on_disk() == room.first
    assert live.saved == room.first


async def test_first_words_are_saved_at_once_and_those_of_others_wait(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "BATCH_SECONDS", 60.0)
    monkeypatch.setattr(event_log, "LONGEST_BATCH_SECONDS", 60.0)
    other = replace(TURN, id="resp_2")
    await room.database.write(lambda tx: Responses(tx).add(other))
    waiting, beginning = room.log.open(TURN.id, room.answer, list(room.first)), room.log.open(other.id, Answer(), [])
    room.answer.say("later words")
    room.log.told(waiting)

    beginning._answer.say("first words")
    room.log.told(beginning, at_once=True)
    await anext(beginning.follow(-1))

    assert b"first words" in beginning.saved[-1]
    assert waiting.saved == room.first


async def test_what_is_said_at_the_moment_of_saving_is_saved_with_what_was_said_before(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    room.answer.say("one ")
    moment = room.log.moment(live)

    async def go_on() -> None:
        await moment
        room.answer.say("two")

    going_on = asyncio.create_task(go_on())
    await anext(live.follow(len(room.first) - 1))
    await going_on

    assert b"one two" in live.saved[-1]
    assert await room.on_disk() == live.saved


@pytest.mark.parametrize(("responses", "milliseconds"), [(1, 20), (10, 29), (50, 69), (81, 100), (1000, 100)])
def test_the_more_responses_there_are_the_longer_their_words_wait_for_each_other(
    responses: int, milliseconds: int
) -> None:
    assert event_log.batch_seconds(responses) * 1000 == pytest.approx(milliseconds)


async def test_a_long_silence_is_broken_by_a_comment_again_and_again(room: Room) -> None:
    live = LiveLog(TURN.id, room.answer, list(room.first), keep_alive_seconds=0.02)
    following = live.follow(1)

    comments = [await anext(following) for _ in range(3)]
    live.end(None)

    assert comments == [event_log.PING] * 3
    assert [events async for events in following] == []


async def test_every_reader_who_waits_is_told(room: Room) -> None:
    live = room.log.open(TURN.id, room.answer, list(room.first))
    first, second = live.follow(1), live.follow(1)
    waiting = [asyncio.ensure_future(anext(reader)) for reader in (first, second)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    third = asyncio.ensure_future(anext(live.follow(1)))
    await asyncio.sleep(0)

    room.answer.say("word")
    room.log.told(live, at_once=True)

    assert await waiting[1] == await third == b"".join(live.saved[2:])
