"""The client of the summariser against servers that answer as none should."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chassis.testing import serve
from memory_service.clients.summarizer import Prompt, Reply, Summarizer, SummarizerFailed
from memory_service.settings import Settings

PROMPT = Prompt("Be brief.", "Hello.", {"type": "object"})
GOOD = '{"choices": [{"finish_reason": "stop", "message": {"content": "{}"}}], "usage": {"prompt_tokens": 9}}'


def answering(answer: Response, heard: list[Any] | None = None) -> Starlette:
    async def complete(request: Request) -> Response:
        if heard is not None:
            heard.append((request.headers["authorization"], await request.json()))
        return answer

    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


async def failure_at(url: str, **settings: Any) -> str:
    async with Summarizer(Settings(together_base_url=url, **settings)) as summarizer:
        with pytest.raises(SummarizerFailed) as failed:
            await summarizer.ask(PROMPT)
    return failed.value.code


async def test_a_fold_is_asked_for_in_its_schema_with_the_key_of_the_server() -> None:
    heard: list[Any] = []

    with serve(answering(Response(GOOD, media_type="application/json"), heard)) as url:
        async with Summarizer(Settings(together_base_url=f"{url}/v1", together_api_key="a key")) as summarizer:  # type: ignore[arg-type]
            reply = await summarizer.ask(PROMPT)

    [(authorization, asked)] = heard
    assert authorization == "Bearer a key"
    assert [message["content"] for message in asked["messages"]] == ["Be brief.", "Hello."]
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert reply == Reply("{}", Settings().summarizer_model, 9, None)


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        "null",
        "{}",
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": ["text"]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": [1]}}]}',
        '{"choices": [{"message": {"content": " "}}]}',
    ],
)
async def test_a_reply_of_another_shape_is_garbled(body: str) -> None:
    with serve(answering(Response(body, media_type="application/json"))) as url:
        assert await failure_at(url) == "model_garbled"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "model_refused"),
        (401, "model_credentials_rejected"),
        (402, "model_credentials_rejected"),
        (429, "model_rate_limited"),
        (500, "model_unavailable"),
    ],
)
async def test_a_refusal_says_of_which_kind_it_is(status: int, code: str) -> None:
    with serve(answering(Response('{"error": {}}', status, media_type="application/json"))) as url:
        assert await failure_at(url) == code


async def test_a_reply_that_was_cut_short_is_none() -> None:
    with serve(answering(Response(GOOD.replace("stop", "length"), media_type="application/json"))) as url:
        assert await failure_at(url) == "model_truncated"


async def test_a_connection_that_breaks_or_is_not_there_is_no_reply() -> None:
    async def half() -> AsyncIterator[bytes]:
        yield GOOD[:20].encode()
        raise ConnectionResetError

    with serve(answering(StreamingResponse(half(), media_type="application/json"))) as url:
        assert await failure_at(url) == "model_unreachable"
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert await failure_at(f"http://127.0.0.1:{port}") == "model_unreachable"


async def test_a_summariser_that_is_silent_is_waited_for_no_longer_than_is_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        assert await failure_at(url, summarizer_timeout_seconds=0.2) == "model_timeout"
