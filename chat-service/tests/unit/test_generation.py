"""When a stop may cut into an answer in the making, and when it must not."""

import asyncio

import pytest

from chat_service.answer import Answer
from chat_service.event_log import LiveLog
from chat_service.generation import Generation

from .test_answer import TURN


@pytest.fixture
def generation() -> Generation:
    answer = Answer()
    return Generation(TURN, [], answer, LiveLog(TURN.id, answer, [], 15.0))


async def test_a_stop_that_comes_before_the_beginning_is_not_lost(generation: Generation) -> None:
    generation.stop("user")

    with pytest.raises(asyncio.CancelledError):
        generation.begin()


async def test_a_stop_does_not_cut_into_the_writing_of_the_end(generation: Generation) -> None:
    written = []

    async def generate() -> None:
        generation.begin()
        generation.finish()
        await asyncio.sleep(0)
        written.append("the end")

    generation.task = asyncio.create_task(generate())
    await asyncio.sleep(0)
    generation.stop("user")
    await asyncio.wait([generation.task])

    assert written == ["the end"]
