"""The model's answer while it comes in: server-sent events, read as bytes, turned into chunks. The hot loop."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import orjson

from chassis.ids import new_id
from chassis.problems import Problem
from chat_service.clients.model_reading import Pieces
from chat_service.clients.model_thoughts import Thinking, ThoughtSplitter
from chat_service.clients.model_troubles import problem_of_event
from chat_service.problems import ModelAnswerGarbled, ModelTimeout, ModelUnavailable

LONGEST_LINE_BYTES = 1_000_000
LONGEST_ANSWER_BYTES = 50_000_000  # a provider that sends more does not stop where it was told to
LONGEST_CALL_ID = 64  # as clients may bring it back
MOST = 1_000_000_000  # tokens of one call, as analytics has it; what counts beyond it is no count
FINISH_REASONS = {
    "eos": "stop",
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
BREAKDOWNS = frozenset({"error", "abort"})
"""Finish reasons of providers that say by them that they broke down in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens as the provider counted them; `cached` is part of `input`, `reasoning` of `output`."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def plus(self, other: "ModelUsage") -> "ModelUsage":
        """Of two calls together."""
        return ModelUsage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(slots=True)
class ModelChunk:
    """A piece of an answer. `finish_reason` (stop, length, tool_calls, content_filter) comes on the last one only.

    `tool_calls` holds `{index, id, type, function: {name, arguments}}` for the first piece of a call, and
    `{index, function: {arguments}}` for those that follow.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: list[dict[str, Any]] | None = None
    finish_reason: str | None = None
    usage: ModelUsage | None = None


class Answer:
    """One answer on its way in; `thinking` says where its thoughts are. Raises the problems of the model."""

    def __init__(self, response: httpx.Response, thinking: Thinking = "field") -> None:
        self._pieces = Pieces(response)
        self._is_stream = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        self._rest = b""
        self._length = 0
        self._done = False
        self._trouble: Problem | None = None
        self._finish_reason: str | None = None
        self._usage: ModelUsage | None = None
        self._said_something = False
        self._calls = 0
        self._call_at: dict[int, tuple[int, Any]] = {}  # by the provider's index: ours, and the provider's id
        self._splitter: ThoughtSplitter | None = ThoughtSplitter(thinking)  # until the answer itself begins

    @property
    def finished(self) -> bool:
        """Whether the model has said that it is through; its usage may still follow."""
        return self._done or self._finish_reason is not None

    @property
    def is_empty(self) -> bool:
        """Whether the model came to an end of its own without a word or a call, whatever it thought."""
        return not self._said_something and FINISH_REASONS.get(self._finish_reason or "stop") == "stop"

    async def read(self, deadline: float = math.inf) -> list[ModelChunk]:
        """The next chunks, at least one; none when the answer is over. `deadline` is a time of the loop."""
        if self._trouble:
            raise self._trouble
        if not self._is_stream:
            raise ModelAnswerGarbled()
        try:
            while data := await self._pieces.next(deadline):
                if chunks := self._feed(data):
                    return chunks
        except TimeoutError:
            if not self.finished:  # else all is said; only the end of the stream is missing
                raise ModelTimeout() from None
        except aiohttp.ClientError as error:
            if not self.finished:
                raise ModelAnswerGarbled() from error
        return []

    async def gather(self, moment: "asyncio.Future[bool]") -> None:
        """Lets chunks come together until that moment, unless there is nothing more to come."""
        if not self.finished:
            await self._pieces.gather(moment)

    def last(self) -> ModelChunk:
        """How it ended. Raises `ModelAnswerGarbled` when it was cut off instead."""
        if not self.finished:
            raise ModelAnswerGarbled()
        reason = "tool_calls" if self._calls else FINISH_REASONS.get(self._finish_reason or "stop", "stop")
        return ModelChunk(finish_reason=reason, usage=self._usage)

    def rest(self) -> ModelChunk | None:
        """What was held back, as it might have been the beginning of a tag."""
        reasoning, text = self._splitter.rest() if self._splitter else ("", "")
        return self._heard(text, reasoning, None)

    async def close(self) -> None:
        """Lets go of the connection; if the answer is not over, the model stops."""
        await self._pieces.close()

    def _feed(self, data: bytes) -> list[ModelChunk]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._length += len(data)
        if len(self._rest) > LONGEST_LINE_BYTES or self._length > LONGEST_ANSWER_BYTES:
            raise ModelAnswerGarbled()
        chunks = []
        try:
            for line in lines:
                if line.startswith(b"data:") and not self._done and (chunk := self._parse(line[5:].strip())):
                    chunks.append(chunk)
        except Problem as problem:
            if not chunks:
                raise
            self._trouble = problem  # what came before it in the same packet is handed out first
        return chunks

    def _parse(self, payload: bytes) -> ModelChunk | None:
        if payload == b"[DONE]":
            self._done = True
            return None
        try:
            return self._chunk_of(orjson.loads(payload))
        except (ValueError, TypeError, LookupError, AttributeError):  # not JSON, or not of the agreed shape
            raise ModelAnswerGarbled() from None

    def _chunk_of(self, document: dict[str, Any]) -> ModelChunk | None:
        if error := document.get("error"):
            raise problem_of_event(error)
        if usage := document.get("usage"):
            self._usage = _usage_of(usage) or self._usage
        choices = document.get("choices")
        if not choices:
            return None
        if reason := choices[0].get("finish_reason"):
            if reason in BREAKDOWNS:
                raise ModelUnavailable()
            self._finish_reason = str(reason)
        delta = choices[0].get("delta") or {}
        text = delta.get("content") or ""
        reasoning = delta.get("reasoning") or delta.get("reasoning_content") or ""
        calls = delta.get("tool_calls")
        if not (text or reasoning or calls):
            return None
        if not (isinstance(text, str) and isinstance(reasoning, str)):
            raise ModelAnswerGarbled()
        if splitter := self._splitter:
            if reasoning:  # has a field of its own: no need to look for it in the text
                thought, said = splitter.rest()
                reasoning, text, self._splitter = thought + reasoning, said + text, None
            elif text:
                reasoning, text = splitter.split(text)
                self._splitter = None if splitter.is_over else splitter
        return self._heard(text, reasoning, [self._call_of(call) for call in calls] if calls else None)

    def _heard(self, text: str, reasoning: str, calls: list[dict[str, Any]] | None) -> ModelChunk | None:
        if text or calls:
            self._said_something = True
        elif not reasoning:
            return None
        return ModelChunk(text, reasoning, calls)

    def _call_of(self, call: dict[str, Any]) -> dict[str, Any]:
        """A piece of a tool call in the one shape we pass on; some models leave out the index or the id."""
        function = call.get("function") or {}
        name, arguments = function.get("name"), function.get("arguments") or ""
        if not isinstance(arguments, str):
            arguments = orjson.dumps(arguments).decode()
        their_id, place = call.get("id"), call.get("index")
        if place is None:
            place = len(self._call_at) if name else max(self._call_at, default=0)
        place = _count(place)
        if known := self._call_at.get(place):
            index, known_id = known
            if not (name and their_id and known_id and their_id != known_id):  # else some number all their calls 0
                return {"index": index, "function": {"arguments": arguments}}
        if not (isinstance(name, str) and name):
            raise ModelAnswerGarbled()
        index, self._calls = self._calls, self._calls + 1
        self._call_at[place] = index, their_id
        named = {"name": name, "arguments": arguments}
        return {"index": index, "id": _call_id(their_id), "type": "function", "function": named}


def _call_id(theirs: Any) -> str:
    """The provider's id, or ours where that is none a client could bring back."""
    return theirs if isinstance(theirs, str) and 0 < len(theirs) <= LONGEST_CALL_ID else new_id("call")


def _usage_of(usage: dict[str, Any]) -> ModelUsage | None:
    """None when it cannot be read: an answer is not thrown away for its bill."""
    try:
        prompt_details = usage.get("prompt_tokens_details") or {}
        completion_details = usage.get("completion_tokens_details") or {}
        return ModelUsage(
            input_tokens=_count(usage["prompt_tokens"]),
            output_tokens=_count(usage["completion_tokens"]),
            cached_tokens=_count(prompt_details.get("cached_tokens") or usage.get("cached_tokens") or 0),
            reasoning_tokens=_count(completion_details.get("reasoning_tokens") or 0),
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _count(value: Any) -> int:
    """Raises `ValueError` for more than can be sent on, stored and billed."""
    count = max(0, int(value))
    if count > MOST:
        raise ValueError
    return count
