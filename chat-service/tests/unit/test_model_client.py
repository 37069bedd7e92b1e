"""The model client against a provider that misbehaves on a real socket."""

import asyncio
import json
import socket
from contextlib import aclosing
from typing import Any

import pytest

from chat_service.clients.model import ModelCall, ModelChunk, ModelUsage

from .scripts import (
    CALL,
    DONE,
    HEADERS,
    HELLO,
    SECRET_TEXT,
    STOP,
    USAGE,
    WORLD,
    chunk,
    event,
    eventually,
    model_at,
    read,
    refusal,
    refuses,
    said,
    streams,
)


async def test_an_answer_comes_in_pieces_and_its_last_piece_says_how_it_ended(provider: Any) -> None:
    provider.plays(streams(HELLO, WORLD, STOP))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks == [
        ModelChunk("Hello"),
        ModelChunk(" world"),
        ModelChunk(finish_reason="stop", usage=ModelUsage(7, 2)),
    ]


async def test_between_two_moments_an_answer_gathers(provider: Any, hang: Any) -> None:
    provider.plays([HEADERS, event(HELLO), 0.02, event(WORLD), event(said("!")), hang])
    moments: list[asyncio.Future[bool]] = []

    def moment() -> "asyncio.Future[bool]":
        moments.append(asyncio.get_running_loop().create_future())
        return moments[-1]

    async with model_at(provider.url) as model, aclosing(model.stream(CALL, None, moment)) as chunks:
        first = await anext(chunks)
        second = asyncio.create_task(anext(chunks))
        await asyncio.sleep(0.1)
        waited = not second.done()
        moments[0].set_result(True)
        rest = [await second, await anext(chunks)]

    assert [first, *rest] == [ModelChunk("Hello"), ModelChunk(" world"), ModelChunk("!")]
    assert waited
    assert len(moments) == 1


async def test_the_end_of_an_answer_waits_for_no_moment(provider: Any) -> None:
    provider.plays([HEADERS, event(HELLO), 0.02, event(WORLD), event(STOP), event(DONE), b"0\r\n\r\n"])

    async with model_at(provider.url) as model, asyncio.timeout(5):
        chunks = [each async for each in model.stream(CALL, None, asyncio.get_running_loop().create_future)]

    assert "".join(each.text for each in chunks) == "Hello world"


async def test_usage_on_a_chunk_without_choices_is_found_too(provider: Any) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 1}}
    provider.plays(streams(HELLO, {**STOP, "usage": None}, {"choices": [], "usage": {**USAGE, **details}}))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[-1] == ModelChunk(finish_reason="stop", usage=ModelUsage(7, 2, 3, 1))


@pytest.mark.parametrize("many", ["many", 2**63, 1e30, 1_000_000_001])
async def test_a_bill_that_cannot_be_read_does_not_spoil_the_answer(provider: Any, many: Any) -> None:
    provider.plays(streams(HELLO, {**STOP, "usage": {**USAGE, "prompt_tokens": many}}))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[-1] == ModelChunk(finish_reason="stop", usage=None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("eos", "stop"), ("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("what", "stop")],
)
async def test_finish_reasons_are_openai_s(provider: Any, theirs: str, ours: str) -> None:
    provider.plays(streams(HELLO, {"choices": [{"delta": {}, "finish_reason": theirs}]}))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[-1].finish_reason == ours


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_thoughts_are_kept_apart_from_words(provider: Any, name: str) -> None:
    provider.plays(streams({"choices": [{"delta": {name: "Hm."}}]}, HELLO, STOP))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[:2] == [ModelChunk(reasoning="Hm."), ModelChunk("Hello")]


async def test_pieces_of_tool_calls_get_the_index_and_id_that_a_model_left_out(provider: Any) -> None:
    first = {"function": {"name": "look_up", "arguments": ""}}
    rest = {"function": {"arguments": '{"q":1}'}}
    second = {"id": "call_2", "function": {"name": "add", "arguments": {"a": 1}}}
    provider.plays(
        streams(*({"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in (first, rest, second)), STOP)
    )

    async with model_at(provider.url) as model:
        *pieces, last = await read(model)

    opened, continued, other = (piece.tool_calls[0] for piece in pieces if piece.tool_calls)
    assert (opened["index"], opened["type"], opened["function"]["name"]) == (0, "function", "look_up")
    assert opened["id"].startswith("call_")
    assert continued == {"index": 0, "function": {"arguments": '{"q":1}'}}
    assert other == {
        "index": 1,
        "id": "call_2",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a":1}'},
    }
    assert last.finish_reason == "tool_calls"


async def test_events_may_be_split_anywhere(provider: Any) -> None:
    greeting = {"choices": [{"delta": {"content": "Grüße 👋"}}]}
    data = b"".join(
        b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\r\n\r\n" for each in (greeting, STOP)
    )
    provider.plays([HEADERS, *(chunk(data[at : at + 1]) for at in range(len(data))), b"0\r\n\r\n"])

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[0].text == "Grüße 👋"


async def test_comments_of_the_provider_are_passed_over(provider: Any) -> None:
    provider.plays([HEADERS, chunk(b": PROCESSING\n\n"), *streams(HELLO, STOP)[1:]])

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[0] == ModelChunk("Hello")


async def test_only_what_was_set_is_sent_and_under_the_providers_names(provider: Any) -> None:
    provider.plays(streams(HELLO, STOP))
    call = ModelCall(model="m", messages=CALL.messages, max_tokens=9, stop=["x"], seed=0)

    async with model_at(provider.url) as model:
        await read(model, call)

    assert provider.requests[0][1] == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "stop": ["x"],
        "seed": 0,
        "stream": True,
    }


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_the_address_may_end_in_v1_or_not(provider: Any, suffix: str) -> None:
    provider.plays(streams(HELLO, STOP))

    async with model_at(provider.url + suffix) as model:
        await read(model)

    assert provider.requests[0][0] == "POST /v1/chat/completions HTTP/1.1"


@pytest.mark.parametrize(
    ("status", "code", "ours"),
    [
        (400, "model_refused", 400),
        (401, "model_credentials_rejected", 502),
        (402, "model_credentials_rejected", 502),
        (403, "model_credentials_rejected", 502),
        (404, "model_not_found", 404),
        (413, "model_refused", 400),
        (422, "model_refused", 400),
        (302, "model_answer_garbled", 502),
    ],
)
async def test_a_refusal_is_not_repeated_and_not_quoted(provider: Any, status: int, code: str, ours: int) -> None:
    provider.plays(refuses(status))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert (problem.code, problem.status) == (code, ours)
    assert SECRET_TEXT not in json.dumps(problem.document())
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "context_length_exceeded", "message": "no"}),
        (422, {"message": "`inputs` tokens + `max_new_tokens` must be <= 32769. Given: 40000 `inputs` tokens"}),
        (403, {"message": "This model's maximum context length is 8192 tokens."}),
    ],
)
async def test_a_prompt_that_is_too_long_is_called_that(provider: Any, status: int, error: dict[str, Any]) -> None:
    provider.plays(refuses(status, {"error": error}))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert (problem.code, problem.status, problem.param) == ("context_length_exceeded", 400, "messages")


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "model_rate_limited"), (500, "model_unavailable"), (503, "model_unavailable")],
)
async def test_what_may_pass_is_tried_three_times(provider: Any, status: int, code: str) -> None:
    provider.plays(refuses(status, headers="retry-after: 0\r\n"))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert problem.code == code
    assert len(provider.requests) == 3


async def test_an_answer_after_a_failed_try_is_an_answer(provider: Any) -> None:
    provider.plays(refuses(503), [b""], streams(HELLO, STOP))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[0] == ModelChunk("Hello")
    assert len(provider.requests) == 3


async def test_a_long_retry_after_is_handed_on_instead_of_waited_for(provider: Any) -> None:
    provider.plays(refuses(429, headers="retry-after: 37\r\n"))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert problem.headers == {"retry-after": "37"}
    assert len(provider.requests) == 1


async def test_a_wait_that_would_not_end_in_time_is_handed_on_too(provider: Any) -> None:
    provider.plays(refuses(429, headers="retry-after: 3\r\n"))

    async with model_at(provider.url, model_first_chunk_seconds=2.0) as model:
        problem = await refusal(read(model))

    assert (problem.code, problem.headers) == ("model_rate_limited", {"retry-after": "3"})
    assert len(provider.requests) == 1


async def test_a_provider_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    async with model_at(f"http://127.0.0.1:{port}", model_retries=0) as model:
        problem = await refusal(read(model))

    assert (problem.code, problem.status) == ("model_unavailable", 503)


@pytest.mark.parametrize(
    "script",
    [
        [HEADERS, chunk(b"data: {not json\n\n")],
        [HEADERS, chunk(b'data: {"id": "\xff\xfe\x00 not json\n\n')],
        [HEADERS, event(["a", "list"])],
        [HEADERS, event({"choices": {"not": "a list"}})],
        [HEADERS, event({"choices": [{"delta": {"content": ["not", "text"]}}]})],
        [HEADERS, event({"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "for nothing"}}]}}]})],
        [HEADERS, chunk(b":" + b"x" * 1_200_000), chunk(b"\n\n"), *streams(HELLO, STOP)[1:]],
        [HEADERS, b"0\r\n\r\n"],
        [HEADERS.replace(b"text/event-stream", b"text/html"), *streams(HELLO, STOP)[1:]],
        [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"],
    ],
)
async def test_what_is_no_answer_is_called_garbled(provider: Any, script: list[bytes]) -> None:
    provider.plays(script)

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert (problem.code, problem.status) == ("model_answer_garbled", 502)


@pytest.mark.parametrize("end", [b"", b"0\r\n\r\n", chunk(b"data: garbage\n\n")])
async def test_an_answer_cut_off_in_the_middle_keeps_its_words_and_is_not_begun_again(
    provider: Any, end: bytes
) -> None:
    provider.plays([HEADERS, event(HELLO), end])

    async with model_at(provider.url) as model:
        stream = model.stream(CALL)
        word = await anext(stream)
        problem = await refusal(anext(stream))

    assert word == ModelChunk("Hello")
    assert problem.code == "model_answer_garbled"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": SECRET_TEXT, "type": "server_error"}, "model_unavailable"),
        ({"message": SECRET_TEXT, "code": "rate_limit_exceeded"}, "model_rate_limited"),
        ({"message": SECRET_TEXT, "code": "context_length_exceeded"}, "context_length_exceeded"),
        (SECRET_TEXT, "model_unavailable"),
    ],
)
async def test_an_error_in_the_middle_of_a_stream_is_typed_and_not_quoted(provider: Any, error: Any, code: str) -> None:
    provider.plays(streams(HELLO, {"error": error}))

    async with model_at(provider.url) as model:
        problem = await refusal(read(model))

    assert problem.code == code
    assert SECRET_TEXT not in json.dumps(problem.document())


async def test_a_model_that_says_nothing_is_an_error_that_is_still_billed(provider: Any) -> None:
    provider.plays(streams(STOP))

    async with model_at(provider.url) as model:
        stream = model.stream(CALL)
        bill = await anext(stream)
        problem = await refusal(anext(stream))

    assert bill == ModelChunk(usage=ModelUsage(7, 2))
    assert problem.code == "model_answer_empty"


@pytest.mark.parametrize("before", [[], [HEADERS], [HEADERS, chunk(b": wait\n\n")]])
async def test_waiting_for_the_first_words_has_an_end(provider: Any, hang: Any, before: list[bytes]) -> None:
    provider.plays([*before, hang])

    async with model_at(provider.url, model_first_chunk_seconds=0.1) as model:
        problem = await refusal(read(model))
        await eventually(lambda: provider.open == 0)

    assert (problem.code, problem.status) == ("model_timeout", 504)


async def test_silence_in_the_middle_of_an_answer_has_an_end(provider: Any, hang: Any) -> None:
    provider.plays([HEADERS, event(HELLO), hang])

    async with model_at(provider.url, model_between_chunks_seconds=0.1) as model:
        problem = await refusal(read(model))
        await eventually(lambda: provider.open == 0)

    assert problem.code == "model_timeout"


async def test_who_listens_slowly_does_not_make_a_silence(provider: Any) -> None:
    provider.plays([HEADERS, event(HELLO), 0.01, event(WORLD), 0.4, event(STOP), event(DONE), b"0\r\n\r\n"])

    async with model_at(provider.url, model_between_chunks_seconds=0.2) as model:
        words = []
        async for piece in model.stream(CALL):
            words.append(piece.text)
            await asyncio.sleep(0.3)

    assert words == ["Hello", " world", ""]


async def test_a_call_that_never_stops_talking_has_an_end(provider: Any) -> None:
    provider.plays([HEADERS, *[event(HELLO), 0.02] * 500])

    async with model_at(provider.url, model_call_seconds=0.2) as model:
        problem = await refusal(read(model))

    assert problem.code == "model_timeout"


async def test_an_answer_that_is_finished_does_not_wait_for_a_provider_that_keeps_the_line_open(
    provider: Any, hang: Any
) -> None:
    provider.plays([HEADERS, event(HELLO), event(STOP), hang])

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks[-1] == ModelChunk(finish_reason="stop", usage=ModelUsage(7, 2))


async def test_closing_the_stream_hangs_up_on_the_provider(provider: Any, hang: Any) -> None:
    provider.plays([HEADERS, event(HELLO), hang])

    async with model_at(provider.url) as model:
        stream = model.stream(CALL)
        await anext(stream)
        assert provider.open == 1
        await stream.aclose()
        await eventually(lambda: provider.open == 0, seconds=0.5)


@pytest.mark.parametrize("before", [[], [HEADERS], [HEADERS, event(HELLO)]])
async def test_cancelling_the_reader_hangs_up_on_the_provider(provider: Any, hang: Any, before: list[bytes]) -> None:
    provider.plays([*before, hang])

    async with model_at(provider.url) as model:
        reading = asyncio.create_task(read(model))
        await eventually(lambda: len(provider.requests) == 1)
        await asyncio.sleep(0.05)
        reading.cancel()
        await eventually(lambda: provider.open == 0, seconds=0.5)


async def test_more_than_a_hundred_answers_can_be_under_way_at_once(provider: Any, hang: Any) -> None:
    provider.plays([HEADERS, event(HELLO), hang])

    async with model_at(provider.url) as model:
        streams_open = [model.stream(CALL) for _ in range(150)]
        await asyncio.wait_for(asyncio.gather(*map(anext, streams_open)), 5)
        assert provider.open == 150
        await asyncio.gather(*(stream.aclose() for stream in streams_open))


@pytest.mark.parametrize("value", [{"half": "\ud800"}, "\ud800"])
async def test_what_cannot_be_written_as_json_is_refused(provider: Any, value: Any) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"x": value}}}

    async with model_at(provider.url) as model:
        problem = await refusal(read(model, ModelCall(model="m", messages=CALL.messages, tools=[tool])))

    assert problem.code == "model_refused"
    assert provider.requests == []


@pytest.mark.parametrize("document", [[{"id": "a/b"}], {"object": "list", "data": [{"id": "a/b"}]}])
async def test_the_list_of_models_is_read_in_either_shape(provider: Any, document: Any) -> None:
    provider.plays(refuses(200, document))

    async with model_at(provider.url) as model:
        listed = await model.models()

    assert listed == [{"id": "a/b"}]


@pytest.mark.parametrize("script", [refuses(500), refuses(401), refuses(200, "text"), [b""]])
async def test_warming_up_never_fails(provider: Any, script: list[bytes]) -> None:
    provider.plays(script)

    async with model_at(provider.url) as model:
        await model.warm_up()

    assert provider.requests[0][0] == "GET /v1/models HTTP/1.1"
