import asyncio
import json
import time
from typing import Any

import httpx
import pytest
import together as sdk
from together import AsyncTogether

from dev.offline_llm.completing import GREETING
from dev.offline_llm.testing import OfflineLLM
from dev.tests.offline_llm.asking import (
    EMBEDDING,
    INSTRUCT,
    SUMMARISER,
    THINKING,
    assistant,
    body,
    chat,
    said,
    until_open,
    user,
)

TEA = [user("I like green tea from Uji."), assistant(), user("What do I like?")]
ANSWER = "I like green tea from Uji."
SCHEMA = {"type": "object", "properties": {"drink": {"type": "string"}}, "required": ["drink"]}
IN_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "drink", "schema": SCHEMA}}}


async def received(http: httpx.AsyncClient, **options: Any) -> list[str]:
    """The events of a stream that came through before it ended, in whatever way."""
    text = ""
    try:
        async with http.stream("POST", "/v1/chat/completions", json=body(*TEA, stream=True, **options)) as reply:
            async for piece in reply.aiter_text():
                text += piece
    except (httpx.RemoteProtocolError, httpx.ReadTimeout) as error:
        text += f"data: {type(error).__name__}\n\n"
    return [event.removeprefix("data: ") for event in text.split("\n\n")[:-1]]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, sdk.AuthenticationError),
        (402, sdk.APIStatusError),
        (403, sdk.PermissionDeniedError),
        (429, sdk.RateLimitError),
        (500, sdk.InternalServerError),
        (503, sdk.InternalServerError),
    ],
)
async def test_a_status_can_be_ordered(
    llm: OfflineLLM, together: AsyncTogether, status: int, error: type[sdk.APIStatusError]
) -> None:
    llm.misbehave({"times": 1, "fault": {"status": status}})

    with pytest.raises(error) as refused:
        await together.chat.completions.create(model=INSTRUCT, messages=TEA)

    assert refused.value.status_code == status
    assert refused.value.response.headers.get("retry-after") == ("1" if status == 429 else None)


async def test_a_refusal_says_how_long_to_wait_when_told(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"status": 503, "retry_after": 7}})

    reply = await http.get("/v1/models")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")


async def test_headers_can_come_late(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"before_headers_seconds": 0.3}})

    started = time.monotonic()
    async with http.stream("POST", "/v1/chat/completions", json=body(*TEA, stream=True)):
        seconds = time.monotonic() - started

    assert seconds >= 0.3


async def test_the_first_token_can_come_late(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"before_first_token_seconds": 0.5}})

    started = time.monotonic()
    async with http.stream("POST", "/v1/chat/completions", json=body(*TEA, stream=True)) as reply:
        headers = time.monotonic() - started
        await anext(reply.aiter_raw())
        first_token = time.monotonic() - started

    assert headers < 0.4
    assert first_token >= 0.5


async def test_a_connection_can_be_cut_after_some_chunks(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"cut_after_chunks": 2}})

    events = await received(http)

    assert len(events) == 3
    assert events[-1] == "RemoteProtocolError"


async def test_a_plain_answer_can_be_cut_too(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"cut_after_chunks": 0}})

    with pytest.raises(httpx.RemoteProtocolError):
        await chat(http, *TEA)


async def test_garbage_can_come_instead_of_a_chunk(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"garbage_after_chunks": 1}})

    events = await received(http)

    assert json.loads(events[0])["object"] == "chat.completion.chunk"
    with pytest.raises(json.JSONDecodeError):
        json.loads(events[1])
    assert events[-1] == "[DONE]"


async def test_a_plain_answer_can_be_garbage_too(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"garbage_after_chunks": 0}})

    reply = await http.post("/v1/chat/completions", json=body(*TEA))

    assert reply.status_code == 200
    with pytest.raises(ValueError, match=r"decode|codec|Expecting"):
        reply.json()


async def test_an_error_can_come_in_the_middle_of_a_stream(llm: OfflineLLM, together: AsyncTogether) -> None:
    llm.misbehave({"fault": {"error_after_chunks": 2}})

    stream = await together.chat.completions.create(model=INSTRUCT, messages=TEA, stream=True)
    seen = 0
    with pytest.raises(sdk.APIError, match="failed while answering"):  # noqa: PT012
        async for _ in stream:
            seen += 1

    assert seen == 2


@pytest.mark.parametrize("fault", [{"hang_before_headers": True}, {"hang_after_chunks": 2}, {"hang_after_chunks": 0}])
async def test_a_reply_can_hang(llm: OfflineLLM, http: httpx.AsyncClient, fault: dict[str, Any]) -> None:
    http.timeout = httpx.Timeout(5, read=0.2)
    llm.misbehave({"fault": fault})

    events = await received(http)

    assert len(events) == fault.get("hang_after_chunks", 0) + 1
    assert events[-1] == "ReadTimeout"


async def test_an_answer_can_be_empty(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"empty_answer": True}})

    assert await said(http, *TEA) == ""
    assert len(await received(http)) == 2


async def test_a_content_type_can_be_wrong(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"content_type": "text/html"}})

    plain = await http.post("/v1/chat/completions", json=body(*TEA))
    stream = await http.post("/v1/chat/completions", json=body(*TEA, stream=True))

    assert plain.headers.get_list("content-type") == stream.headers.get_list("content-type") == ["text/html"]


async def test_a_stream_can_be_slow(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 20}})

    started = time.monotonic()
    events = await received(http)
    seconds = time.monotonic() - started

    assert seconds >= (len(events) - 2) / 20


async def test_a_normal_end_can_be_called_eos(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"finish_reason": "eos"}})

    assert (await chat(http, *TEA))["choices"][0]["finish_reason"] == "eos"


async def test_thoughts_can_be_inline(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"inline_think": True}})

    message = (await chat(http, *TEA, model=THINKING))["choices"][0]["message"]

    assert "reasoning" not in message
    assert message["content"].startswith("<think>\n")
    assert message["content"].endswith(f"</think>\n\n{ANSWER}")


async def test_inline_thoughts_can_lack_the_tag_that_begins_them(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"implicit_think": True}})

    content = await said(http, *TEA, model=THINKING)

    assert "<think>" not in content
    assert content.endswith(f"</think>\n\n{ANSWER}")


async def test_an_answer_can_be_nothing_but_a_thought(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"inline_think": True, "empty_answer": True}})

    assert (await said(http, *TEA, model=THINKING)).endswith("</think>\n\n")


async def test_usage_can_be_left_out(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"omit_usage": True}})

    events = await received(http, stream_options={"include_usage": True})

    embedded = await http.post("/v1/embeddings", json={"model": EMBEDDING, "input": "one"})

    assert embedded.json()["usage"] is None
    assert "usage" not in await chat(http, *TEA)
    assert all(json.loads(event)["usage"] is None for event in events[:-1])


async def test_prompts_can_be_counted_in_another_vocabulary_against_another_window(
    llm: OfflineLLM, http: httpx.AsyncClient
) -> None:
    counted = (await chat(http, *TEA))["usage"]["prompt_tokens"]

    llm.misbehave({"fault": {"prompt_tokens_times": 3, "context_length": 3 * counted + 100}})
    fits = await http.post("/v1/chat/completions", json=body(*TEA, max_tokens=100))
    refused = await http.post("/v1/chat/completions", json=body(*TEA, max_tokens=101))

    assert fits.json()["usage"]["prompt_tokens"] == 3 * counted
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")


async def test_an_answer_can_be_scripted(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"match": {"model": SUMMARISER}, "fault": {"content": '{"scripted": true}'}})

    assert await said(http, *TEA, model=SUMMARISER, **IN_SCHEMA) == '{"scripted": true}'
    assert await said(http, *TEA) == ANSWER


@pytest.mark.parametrize("way", ["invalid", "truncated", "empty", "greeting"])
async def test_json_can_be_no_json(llm: OfflineLLM, http: httpx.AsyncClient, way: str) -> None:
    llm.misbehave({"fault": {"bad_json": way}})

    text = await said(http, *TEA, **IN_SCHEMA)

    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


async def test_json_can_have_the_wrong_fields(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"bad_json": "wrong_fields"}})

    assert "drink" not in json.loads(await said(http, *TEA, **IN_SCHEMA))


async def test_json_can_be_valid_and_say_nothing(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"bad_json": "greeting_values"}})

    assert json.loads(await said(http, *TEA, **IN_SCHEMA)) == {"drink": GREETING}


async def test_bad_json_leaves_answers_in_text_alone(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"bad_json": "greeting_values"}})

    assert await said(http, *TEA) == ANSWER


async def test_the_first_rule_that_matches_and_has_times_left_applies(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave(
        {"match": {"path": "/v1/embeddings"}, "fault": {"status": 503}},
        {"match": {"text_contains": "green tea"}, "times": 1, "fault": {"status": 500}},
        {"match": {"question_contains": "do I like"}, "times": 2, "fault": {"status": 429}},
        {"match": {"question_contains": "green tea"}, "fault": {"status": 402}},
    )

    replies = [await http.post("/v1/chat/completions", json=body(*TEA)) for _ in range(4)]
    embedding = await http.post("/v1/embeddings", json={"model": EMBEDDING, "input": "a"})

    assert [reply.status_code for reply in replies] == [500, 429, 429, 200]
    assert embedding.status_code == 503


async def test_deleting_the_rules_ends_the_misbehaviour(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"status": 500}})
    listed = (await http.get("/_offline/faults")).json()["data"]

    llm.behave()

    assert listed == [{"fault": {"status": 500}}]
    assert await said(http, *TEA) == ANSWER


@pytest.mark.parametrize("rules", [{}, [{}], [{"fault": {"statsu": 500}}], [{"fault": {"status": 200}}], "x"])
async def test_a_rule_that_makes_no_sense_is_refused(llm: OfflineLLM, http: httpx.AsyncClient, rules: Any) -> None:
    reply = await http.post("/_offline/faults", json=rules)

    assert reply.status_code == 400
    assert (await http.get("/_offline/faults")).json()["data"] == []


async def test_a_reply_can_be_held_until_the_rules_are_dropped(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"held": True, "content": "At last."}})
    held = asyncio.create_task(said(http, *TEA))
    await until_open(llm, 1)

    done_before, _ = await asyncio.wait([held], timeout=0.05)
    llm.behave()

    assert not done_before
    assert await held == "At last."


async def test_a_hanging_reply_does_not_hold_up_others(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"times": 1, "fault": {"hang_before_headers": True}})
    hanging = asyncio.create_task(chat(http, *TEA))
    await until_open(llm, 1)

    answer = await said(http, *TEA)

    hanging.cancel()
    assert answer == ANSWER
