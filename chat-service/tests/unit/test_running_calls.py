"""Stateless calls: whom they are for is asked before, and whoever goes meanwhile takes them along."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest

from chassis.identity import Principal
from chassis.problems import Unauthenticated
from chat_service.ledger_records import CallRecord
from chat_service.routes.leaving import until_client_leaves
from chat_service.running_calls import RunningCalls
from chat_service.unkept_answers import UnkeptAnswers

RECORD = CallRecord(
    call_id="chatcmpl_1",
    owner="user_1",
    purpose="completion",
    model="m",
    outcome="cancelled",
    source="estimated",
    input_tokens=1,
    output_tokens=1,
    created_at=1,
    latency_ms=1,
)


def whoever(owner: str) -> Principal:
    return Principal(owner, "sess_1", "user", frozenset(), None, 0, "")


class Room:
    """Calls whose admission takes as long as a test wants, and whose records take a moment."""

    def __init__(self) -> None:
        self.admitted = asyncio.Event()
        self.made: asyncio.Queue[str] = asyncio.Queue()
        self.recorded: list[CallRecord] = []
        self.calls = RunningCalls(self._admit, self._record, UnkeptAnswers(60.0))

    async def call(self, owner: str, client: asyncio.Event) -> None:
        """A call whose client takes what it says when `client` is set."""
        async with self.calls.running(whoever(owner)):
            self.made.put_nowait(owner)
            try:
                await client.wait()
            finally:
                await self.calls.record(RECORD)

    @asynccontextmanager
    async def _admit(self, _: Principal) -> AsyncGenerator[dict[str, str]]:
        await self.admitted.wait()
        yield {}

    async def _record(self, record: CallRecord) -> None:
        await asyncio.sleep(0.02)
        self.recorded.append(record)


@pytest.fixture
def room() -> Room:
    return Room()


async def test_a_call_that_is_still_being_admitted_is_stopped_before_it_is_made(room: Room) -> None:
    calling = asyncio.create_task(room.call("user_1", asyncio.Event()))
    await asyncio.sleep(0)

    await room.calls.stop_all({"user_1"})

    with pytest.raises(Unauthenticated):
        await calling
    assert room.made.empty()
    assert room.calls.owners() == set()


async def test_whoever_reads_a_stopped_call_goes_on(room: Room) -> None:
    async def read() -> int:
        with pytest.raises(Unauthenticated):
            await room.call("user_1", asyncio.Event())
        current = asyncio.current_task()
        assert current is not None
        return current.cancelling()

    room.admitted.set()
    reading = asyncio.create_task(read())
    await room.made.get()

    await room.calls.stop_all({"user_1"})

    assert await reading == 0


async def test_stopped_calls_are_recorded_when_stopping_returns_and_others_go_on(room: Room) -> None:
    room.admitted.set()
    client = asyncio.Event()
    stopped, other = (asyncio.create_task(room.call(owner, client)) for owner in ("user_1", "user_2"))
    await room.made.get()
    await room.made.get()

    await room.calls.stop_all({"user_1"})

    assert len(room.recorded) == 1
    assert isinstance(stopped.exception(), Unauthenticated)
    assert not other.done()
    client.set()
    await other


async def test_a_call_that_is_just_being_recorded_is_recorded_when_stopping_returns(room: Room) -> None:
    room.admitted.set()
    client = asyncio.Event()
    client.set()
    calling = asyncio.create_task(room.call("user_1", client))
    await room.made.get()
    await asyncio.sleep(0)

    await room.calls.stop_all({"user_1"})

    assert len(room.recorded) == 1
    assert isinstance(calling.exception(), Unauthenticated)


async def test_a_call_is_stopped_although_its_client_does_not_take_what_was_said(room: Room) -> None:
    room.admitted.set()

    async def say() -> AsyncGenerator[str]:
        async with room.calls.running(whoever("user_1")):
            try:
                yield "words"
            finally:
                await room.calls.record(RECORD)

    async def send() -> None:
        async with aclosing(say()) as words:
            async for word in words:
                room.made.put_nowait(word)
                await asyncio.Event().wait()

    sending = asyncio.create_task(send())
    await room.made.get()

    await room.calls.stop_all({"user_1"})
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert len(room.recorded) == 1


async def test_a_cancellation_that_is_no_stop_stays_one(room: Room) -> None:
    room.admitted.set()
    calling = asyncio.create_task(room.call("user_1", asyncio.Event()))
    await room.made.get()

    calling.cancel()
    await asyncio.wait([calling])

    assert calling.cancelled()
    assert len(room.recorded) == 1


async def test_an_answer_that_was_stopped_while_its_client_did_not_read_ends_like_one_whose_client_left() -> None:
    async def answer() -> str:
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await asyncio.sleep(0)
        return "all of it"

    async def stays() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    assert await until_client_leaves(stays, answer()) is None
