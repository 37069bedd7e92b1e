import base64
import io
import json

import httpx
import pytest
import together as sdk
from PIL import Image
from together import AsyncTogether

from dev.tests.offline_llm.asking import EMBEDDING, INSTRUCT, THINKING, VISION, assistant, body, chat, said, user

TEA = [user("I like green tea from Uji."), assistant(), user("What do I like?")]


def png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 200), colour).save(file, "PNG")
    return file.getvalue()


async def test_the_sdk_gets_an_answer_with_its_usage(together: AsyncTogether) -> None:
    reply = await together.chat.completions.create(model=INSTRUCT, messages=TEA)

    choice = reply.choices[0]
    assert choice.message
    assert choice.message.content == "I like green tea from Uji."
    assert choice.finish_reason == "stop"
    assert reply.usage
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


async def test_the_sdk_streams_the_same_answer_token_by_token(together: AsyncTogether) -> None:
    stream = await together.chat.completions.create(model=INSTRUCT, messages=TEA, stream=True)
    chunks = [chunk async for chunk in stream]

    texts = [chunk.choices[0].delta.content for chunk in chunks]
    assert "".join(text or "" for text in texts) == "I like green tea from Uji."
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == len(chunks) - 1
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_a_stream_is_server_sent_events_that_end_with_done(http: httpx.AsyncClient) -> None:
    reply = await http.post("/v1/chat/completions", json=body(*TEA, stream=True))

    events = reply.text.removesuffix("\n\n").split("\n\n")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "data: [DONE]"
    assert all(json.loads(event.removeprefix("data: "))["object"] == "chat.completion.chunk" for event in events[:-1])


async def test_usage_comes_on_a_chunk_of_its_own_when_asked_for(http: httpx.AsyncClient) -> None:
    request = body(*TEA, stream=True, stream_options={"include_usage": True})

    reply = await http.post("/v1/chat/completions", json=request)

    end, usage = (json.loads(event.removeprefix("data: ")) for event in reply.text.split("\n\n")[-4:-2])
    assert end["choices"][0]["finish_reason"] == "stop"
    assert end["usage"] is None
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] > 0


async def test_max_tokens_ends_an_answer_with_length(http: httpx.AsyncClient) -> None:
    reply = await chat(http, *TEA, max_tokens=3)

    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["choices"][0]["message"]["content"] == "I like green"
    assert reply["usage"]["completion_tokens"] == 3


async def test_a_stop_text_ends_an_answer_before_it(http: httpx.AsyncClient) -> None:
    reply = await chat(http, *TEA, stop=[" from"])

    assert reply["choices"][0]["message"]["content"] == "I like green tea"
    assert reply["choices"][0]["finish_reason"] == "stop"


async def test_a_reasoning_model_streams_its_thoughts_first(together: AsyncTogether) -> None:
    stream = await together.chat.completions.create(model=THINKING, messages=TEA, stream=True)
    deltas = [chunk.choices[0].delta async for chunk in stream]

    thinking = [bool(delta.reasoning) for delta in deltas]
    assert "tea" in "".join(delta.reasoning or "" for delta in deltas)
    assert thinking == sorted(thinking, reverse=True)
    assert "".join(delta.content or "" for delta in deltas) == "I like green tea from Uji."


async def test_an_image_is_described_by_format_size_and_colour(http: httpx.AsyncClient) -> None:
    url = f"data:image/png;base64,{base64.b64encode(png((210, 20, 25))).decode()}"
    question = user([{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}])

    answer = await said(http, assistant(), question, model=VISION)

    assert answer == "The image is a PNG of 320 x 200 pixels, mostly red."


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("data:image/png;base64,bm90IGFuIGltYWdl", VISION),
        ("data:image/png;base64,%%%", VISION),
        ("https://example.com/cat.png", VISION),
        (f"data:image/png;base64,{base64.b64encode(png((0, 0, 255))).decode()}", INSTRUCT),
    ],
)
async def test_an_image_that_cannot_be_seen_is_refused(http: httpx.AsyncClient, url: str, model: str) -> None:
    question = user([{"type": "image_url", "image_url": {"url": url}}])

    reply = await http.post("/v1/chat/completions", json=body(question, model=model))

    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("key", [None, "", "bad-key"])
async def test_a_missing_or_bad_key_is_refused(http: httpx.AsyncClient, key: str | None) -> None:
    del http.headers["authorization"]
    headers = {} if key is None else {"authorization": f"Bearer {key}".strip()}

    for path, request in (("/v1/chat/completions", body(*TEA)), ("/v1/embeddings", {"model": EMBEDDING, "input": "a"})):
        reply = await http.post(path, json=request, headers=headers)
        assert reply.status_code == 401
        assert reply.json()["error"]["code"] == "invalid_api_key"
    assert (await http.get("/v1/models", headers=headers)).status_code == 401


async def test_an_unknown_model_is_a_404_for_the_sdk(together: AsyncTogether) -> None:
    with pytest.raises(sdk.NotFoundError) as refused:
        await together.chat.completions.create(model="nobody/nothing", messages=TEA)

    assert "nobody/nothing" in str(refused.value)


async def test_an_embedding_model_does_not_chat(http: httpx.AsyncClient) -> None:
    reply = await http.post("/v1/chat/completions", json=body(*TEA, model=EMBEDDING))

    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "model_not_available"


async def test_a_context_that_is_too_long_is_refused_or_its_answer_truncated(http: httpx.AsyncClient) -> None:
    request = body(*TEA, max_tokens=300_000)

    refused = await http.post("/v1/chat/completions", json=request)
    truncated = await http.post("/v1/chat/completions", json=request | {"context_length_exceeded_behavior": "truncate"})

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded"
    assert truncated.status_code == 200


@pytest.mark.parametrize(
    "request_body",
    [
        b"not json",
        b"[]",
        b'{"model": "x"}',
        json.dumps(body(user("a"), n=2)).encode(),
        json.dumps(body()).encode(),
        json.dumps(body({"role": "robot", "content": "a"})).encode(),
        json.dumps(body(user("a"), temperature=9)).encode(),
        json.dumps(body(user("a"), response_format={"type": "json_schema"})).encode(),
    ],
)
async def test_a_malformed_request_is_a_400_in_togethers_form(http: httpx.AsyncClient, request_body: bytes) -> None:
    reply = await http.post("/v1/chat/completions", content=request_body)

    assert reply.status_code == 400
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
