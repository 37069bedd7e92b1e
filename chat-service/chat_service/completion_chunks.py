"""Completions in OpenAI's words: the events of a stream as bytes, and the document of a whole answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

import orjson

from chassis.problems import Problem
from chat_service.clients.model import ModelChunk, ModelUsage
from chat_service.completions import Said
from chat_service.ledger_records import Source

DONE = b"data: [DONE]\n\n"


class AnyCompletion(Protocol):
    """What is read and written here: a call of the model, or a turn of a conversation."""

    id: str
    created: int
    model: str
    said: Said
    headers: dict[str, str]

    def chunks(self) -> AsyncGenerator[ModelChunk]:
        """The answer piece by piece."""
        ...

    def usage(self) -> tuple[Source, ModelUsage]:
        """Who counted, and what it cost."""
        ...


async def events_of(completion: AnyCompletion, *, include_usage: bool) -> AsyncGenerator[bytes]:
    """The server-sent events of the answer, `[DONE]` last. Closing it stops the model."""
    writer = ChunkWriter(completion, include_usage=include_usage)
    async with aclosing(completion.chunks()) as chunks:
        async for chunk in chunks:
            if event := writer.event(chunk):
                yield event
    if include_usage:
        yield writer.usage_event(usage_of(completion))
    yield DONE


async def document_of(completion: AnyCompletion) -> dict[str, Any]:
    """The whole answer, when it is there."""
    async with aclosing(completion.chunks()) as chunks:
        async for _ in chunks:
            pass
    said = completion.said
    thoughts = "".join(said.thoughts)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(said.texts) if said.texts or not said.calls else None,
        "refusal": None,
    }
    if thoughts:
        message |= {"reasoning": thoughts, "reasoning_content": thoughts}
    if said.calls:
        calls = [said.calls[index] for index in sorted(said.calls)]
        message["tool_calls"] = [{name: value for name, value in call.items() if name != "index"} for call in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
    return {
        "id": completion.id,
        "object": "chat.completion",
        "created": completion.created,
        "model": completion.model,
        "choices": [choice],
        "usage": usage_of(completion),
    }


def error_event(problem: Problem) -> bytes:
    """How a stream that has begun says that it failed; nothing comes after it."""
    return b"data: " + orjson.dumps({"error": problem.error().model_dump()}) + b"\n\n"


def usage_of(completion: AnyCompletion) -> dict[str, Any]:
    """OpenAI's usage object."""
    _, usage = completion.usage()
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


class ChunkWriter:
    """Writes the events of one stream; what all of them share is encoded once."""

    def __init__(self, completion: AnyCompletion, *, include_usage: bool) -> None:
        shared = {
            "id": completion.id,
            "object": "chat.completion.chunk",
            "created": completion.created,
            "model": completion.model,
        }
        self._shared = b"data: " + orjson.dumps(shared)[:-1]
        self._head = self._shared + b',"choices":[{"index":0,"delta":'
        self._end = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._tail = b',"logprobs":null,"finish_reason":null}]' + self._end
        self._is_first = True

    def event(self, chunk: ModelChunk) -> bytes | None:
        """The event for a chunk of the model; None when there is nothing in it for the client."""
        delta = _delta_of(chunk)
        if not delta and not chunk.finish_reason:
            return None
        if self._is_first:
            delta = {"role": "assistant", "content": None if chunk.tool_calls else "", **delta}
            self._is_first = False
        if not chunk.finish_reason:
            return self._head + orjson.dumps(delta) + self._tail
        reason = orjson.dumps(chunk.finish_reason)
        return self._head + orjson.dumps(delta) + b',"logprobs":null,"finish_reason":' + reason + b"}]" + self._end

    def usage_event(self, usage: dict[str, Any]) -> bytes:
        """The chunk after the last: no choices, and the usage."""
        return self._shared + b',"choices":[],"usage":' + orjson.dumps(usage) + b"}\n\n"


def _delta_of(chunk: ModelChunk) -> dict[str, Any]:
    delta: dict[str, Any] = {}
    if chunk.text:
        delta["content"] = chunk.text
    if chunk.reasoning:  # under both names that clients look for
        delta["reasoning"] = delta["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls:
        delta["tool_calls"] = chunk.tool_calls
    return delta
