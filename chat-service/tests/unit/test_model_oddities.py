"""What providers send that no documentation mentions."""

from typing import Any

import pytest

from chat_service.clients import model_stream
from chat_service.clients.model import ModelChunk

from .scripts import CALL, HEADERS, HELLO, STOP, WORLD, chunk, model_at, read, refusal, said, streams


def called(**piece: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"tool_calls": [piece]}}]}


@pytest.mark.parametrize("reason", ["error", "abort"])
async def test_a_model_that_breaks_down_has_not_finished(provider: Any, reason: str) -> None:
    provider.plays(streams(HELLO, {"choices": [{"delta": {}, "finish_reason": reason}]}))
    heard: list[ModelChunk] = []

    async def listen() -> None:
        async with model_at(provider.url) as model:
            async for piece in model.stream(CALL):
                heard.append(piece)

    problem = await refusal(listen())

    assert problem.code == "model_unavailable"
    assert heard == [ModelChunk("Hello")]


@pytest.mark.parametrize("theirs", ["c" * 65, "", 7, {"id": 1}, ["call_1"]])
async def test_a_call_has_an_id_that_a_client_can_bring_back(provider: Any, theirs: Any) -> None:
    provider.plays(streams(called(index=0, id=theirs, function={"name": "add", "arguments": "{}"}), STOP))

    async with model_at(provider.url) as model:
        first, *_ = await read(model)

    assert first.tool_calls
    assert first.tool_calls[0]["id"].startswith("call_")


@pytest.mark.parametrize("name", [None, "", 7])
async def test_a_call_of_nothing_is_garbled(provider: Any, name: Any) -> None:
    provider.plays(streams(HELLO, called(index=0, id="call_1", function={"name": name, "arguments": "{}"}), STOP))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert problem.code == "model_answer_garbled"


async def test_calls_that_all_have_the_same_number_are_told_apart_by_their_ids(provider: Any) -> None:
    provider.plays(
        streams(
            called(index=0, id="call_1", function={"name": "add", "arguments": '{"a":'}),
            called(index=0, id="call_1", function={"name": "add", "arguments": "1}"}),
            called(index=0, id="call_2", function={"name": "add", "arguments": '{"a":'}),
            called(index=0, id=None, function={"name": None, "arguments": "2}"}),
            STOP,
        )
    )

    async with model_at(provider.url) as model:
        *pieces, _ = await read(model)

    calls = [piece.tool_calls[0] for piece in pieces if piece.tool_calls]
    assert [(call["index"], call.get("id"), call["function"]["arguments"]) for call in calls] == [
        (0, "call_1", '{"a":'),
        (0, None, "1}"),
        (1, "call_2", '{"a":'),
        (1, None, "2}"),
    ]


async def test_an_answer_without_end_is_cut(provider: Any) -> None:
    much = b"data: " + b'{"choices":[{"delta":{"content":"%b"}}]}' % (b"x" * 900_000) + b"\n\n"
    provider.plays([HEADERS, *[chunk(much)] * (model_stream.LONGEST_ANSWER_BYTES // len(much) + 2)])

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert problem.code == "model_answer_garbled"


async def test_a_type_of_content_is_known_in_any_case(provider: Any) -> None:
    head = HEADERS.replace(b"text/event-stream", b"Text/Event-Stream; charset=UTF-8")
    provider.plays([head, *streams(HELLO, WORLD, STOP)[1:]])

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert "".join(piece.text for piece in chunks) == "Hello world"


@pytest.mark.parametrize(
    "odd", [{}, {"choices": None}, {"choices": [{"delta": None}]}, {"usage": 7}, said(""), {"id": 1}]
)
async def test_events_that_say_nothing_are_passed_over(provider: Any, odd: dict[str, Any]) -> None:
    provider.plays(streams(odd, HELLO, odd, STOP))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert [piece.text for piece in chunks] == ["Hello", ""]
