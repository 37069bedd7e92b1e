"""What a scripted provider plays, and how its answers are read."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chassis.problems import Problem
from chat_service.clients.model import Model, ModelCall, ModelChunk
from chat_service.settings import Settings

SECRET_TEXT = "upstream-secret-text"
HEADERS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HELLO = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": None}]}
WORLD = {"choices": [{"index": 0, "delta": {"content": " world"}, "finish_reason": None}]}
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
STOP = {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}], "usage": USAGE}
CALL = ModelCall(model="some/model", messages=[{"role": "user", "content": "Hi"}])
DONE = "[DONE]"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def event(document: Any) -> bytes:
    payload = document if isinstance(document, str) else json.dumps(document)
    return chunk(b"data: " + payload.encode() + b"\n\n")


def streams(*documents: Any) -> list[bytes]:
    """The script of a whole, well-formed stream of these events."""
    return [HEADERS, *map(event, documents), event(DONE), b"0\r\n\r\n"]


def refuses(status: int, body: Any = None, headers: str = "") -> list[bytes]:
    payload = json.dumps(body if body is not None else {"error": {"message": SECRET_TEXT}}).encode()
    head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n{headers}\r\n"
    return [head.encode() + payload]


def said(text: str) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}}]}


@asynccontextmanager
async def model_at(url: str, **settings: Any) -> AsyncIterator[Model]:
    async with Model(Settings(together_base_url=url, **settings)) as model:
        yield model


async def read(model: Model, call: ModelCall = CALL) -> list[ModelChunk]:
    return [chunk async for chunk in model.stream(call)]


async def refusal(work: Awaitable[Any]) -> Problem:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value


async def eventually(check: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)
