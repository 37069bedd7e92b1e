"""That what a completion cost is written down, whatever happens to the one who asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chassis.identity import Principal
from chat_service.clients.model import Model
from chat_service.completion_chunks import document_of
from chat_service.completions import CompletionLimits, Completions
from chat_service.ledger_records import CallRecord
from chat_service.model_files import read_models
from chat_service.models import Catalogue
from chat_service.running_calls import RunningCalls
from chat_service.schemas.completions import ChatCompletionRequest
from chat_service.settings import Settings
from chat_service.unkept_answers import UnkeptAnswers

from .scripts import eventually

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
HELLO = b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
ASKED = ChatCompletionRequest.model_validate(
    {"model": "deepthinks", "messages": [{"role": "user", "content": "Hi there"}]}
)
ADA = Principal(
    user_id="user_1",
    session_id="sess_1",
    role="user",
    scopes=frozenset(),
    key_id=None,
    expires_at=0,
    token="",
)


@asynccontextmanager
async def admit(_: Principal) -> AsyncIterator[dict[str, str]]:
    """Everybody may."""
    yield {}


async def no_key(_: str) -> None:
    """Nobody has a key of their own."""


@pytest.fixture
def settings(provider: Any) -> Settings:
    return Settings(together_base_url=provider.url)


async def test_a_record_under_way_survives_its_request_and_the_end_of_the_service(
    provider: Any, hang: Any, settings: Settings
) -> None:
    provider.plays([HEAD, HELLO, hang])
    recording, recorded = asyncio.Event(), []

    async def record_slowly(call: CallRecord) -> None:
        recording.set()
        await asyncio.sleep(0.1)
        recorded.append(call)

    async with Model(settings) as model:
        limits = CompletionLimits.from_settings(settings)
        async with RunningCalls(admit, record_slowly, UnkeptAnswers(60.0)) as calls:
            catalogue = Catalogue(read_models(None), model.models)
            completion = Completions(model, catalogue, calls, limits, no_key).begin(ADA, ASKED)
            asking = asyncio.create_task(document_of(completion))
            await eventually(lambda: completion.said.anything)
            asking.cancel()
            await recording.wait()
            asking.cancel()

    assert [call.outcome for call in recorded] == ["cancelled"]
    assert asking.cancelled()


async def test_an_answer_is_not_withheld_because_its_cost_could_not_be_written(
    provider: Any, settings: Settings
) -> None:
    provider.plays([HEAD, HELLO, DONE])

    async def fail(_: CallRecord) -> None:
        raise OSError("the disk is on fire")

    async with Model(settings) as model:
        limits = CompletionLimits.from_settings(settings)
        async with RunningCalls(admit, fail, UnkeptAnswers(60.0)) as calls:
            catalogue = Catalogue(read_models(None), model.models)
            completion = Completions(model, catalogue, calls, limits, no_key).begin(ADA, ASKED)
            document = await document_of(completion)

    assert document["choices"][0]["message"]["content"] == "Hello"
