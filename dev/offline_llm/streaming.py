"""Puts a completion on the wire at its pace: one timer a token on an absolute schedule, so that nothing drifts."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dev.offline_llm import tokens
from dev.offline_llm.completing import Completion

DONE = b"data: [DONE]\n\n"
_SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_BREATH = 64  # unpaced chunks between two turns of the loop
_MARK = "\x01"


@dataclass(frozen=True)
class Pace:
    """How fast: seconds before the first token, tokens a second after that (0: as fast as possible)."""

    before_first_token: float
    tokens_per_second: float

    def due(self, index: int) -> float:
        """Seconds after the start at which token `index` is there."""
        return self.before_first_token + ((index + 1) / self.tokens_per_second if self.tokens_per_second else 0)


@dataclass(frozen=True)
class Framing:
    """What every chunk of one reply shares."""

    id: str
    model: str
    created: int
    usage_on_its_own: bool
    without_usage: bool


class PacedStream(Response):
    """A completion as server-sent events."""

    def __init__(self, completion: Completion, framing: Framing, pace: Pace) -> None:
        super().__init__()
        self._completion = completion
        self._framing = framing
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends every chunk when it is due; late chunks follow at once."""
        await send({"type": "http.response.start", "status": 200, "headers": list(_SSE_HEADERS)})
        start, index = time.monotonic(), -1
        for index, chunk in enumerate(_token_chunks(self._completion, self._framing)):
            wait = start + self._pace.due(index) - time.monotonic()
            if wait > 0 or index % _BREATH == 0:
                await asyncio.sleep(max(0, wait))
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if index < 0:
            await asyncio.sleep(self._pace.before_first_token)
        for chunk in _last_chunks(self._completion, self._framing):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": DONE, "more_body": False})


class PacedWhole(Response):
    """A completion as one JSON document, ready when its last token would be."""

    def __init__(self, completion: Completion, framing: Framing, pace: Pace) -> None:
        super().__init__(orjson.dumps(_document(completion, framing)), media_type="application/json")
        self._seconds = pace.due(completion.length - 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Waits, then sends."""
        await asyncio.sleep(self._seconds)
        await super().__call__(scope, receive, send)


def _token_chunks(completion: Completion, framing: Framing) -> Iterator[bytes]:
    """One event a token: thoughts, then content or the tool call."""
    head, tail = _around_text(framing, {"role": "assistant", "content": "", "reasoning": _MARK})
    for piece in completion.reasoning:
        yield head + orjson.dumps(piece) + tail
    head, tail = _around_text(framing, {"role": "assistant", "content": _MARK})
    for piece in completion.content:
        yield head + orjson.dumps(piece) + tail
    if completion.tool_call:
        yield from _tool_chunks(completion.tool_call, framing)


def _tool_chunks(call: dict[str, Any], framing: Framing) -> Iterator[bytes]:
    """The call's name first, its arguments piece by piece."""
    opening = {**call, "function": {**call["function"], "arguments": ""}}
    yield _event(_chunk(framing, {"role": "assistant", "content": None, "tool_calls": [opening]}))
    for piece in tokens.pieces(call["function"]["arguments"]):
        part = {"index": call["index"], "function": {"arguments": piece}}
        yield _event(_chunk(framing, {"role": "assistant", "content": None, "tool_calls": [part]}))


def _last_chunks(completion: Completion, framing: Framing) -> Iterator[bytes]:
    """The reason for the end with the usage; the usage apart where the client asked for that."""
    usage = None if framing.without_usage else completion.usage()
    end = _chunk(framing, {"role": "assistant", "content": ""}, completion.finish_reason)
    if usage is None or not framing.usage_on_its_own:
        yield _event({**end, "usage": usage})
    else:
        yield _event({**end, "usage": None})
        yield _event({**end, "choices": [], "usage": usage})


def _chunk(framing: Framing, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason, "seed": None}
    return {
        "id": framing.id,
        "object": "chat.completion.chunk",
        "created": framing.created,
        "model": framing.model,
        "choices": [choice],
        "usage": None,
    }


def _around_text(framing: Framing, delta: dict[str, Any]) -> tuple[bytes, bytes]:
    """An event encoded once for all tokens: the bytes before the text and those after it."""
    head, tail = _event(_chunk(framing, delta)).split(orjson.dumps(_MARK))
    return head, tail


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def _document(completion: Completion, framing: Framing) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(completion.content)}
    if completion.reasoning:
        message["reasoning"] = "".join(completion.reasoning)
    if completion.tool_call:
        message |= {"content": None, "tool_calls": [completion.tool_call]}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": completion.finish_reason,
        "seed": None,
    }
    document = {
        "id": framing.id,
        "object": "chat.completion",
        "created": framing.created,
        "model": framing.model,
        "prompt": [],
        "choices": [choice],
    }
    return document if framing.without_usage else {**document, "usage": completion.usage()}
