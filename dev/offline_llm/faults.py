"""Misbehaviour on request: what can go wrong, the rules that say when, and what is done to a reply on its way out."""

import asyncio
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Message, Send

from dev.offline_llm.errors import error_body
from dev.offline_llm.recording import Exchange

_CODES = {401: "invalid_api_key", 402: "credit_limit", 403: "forbidden", 429: "rate_limit", 503: "overloaded"}
GARBAGE = b'data: {"id": "\xff\xfe\x00 not json\n\n'


class Fault(BaseModel):
    """One way to misbehave, or several at once. A chunk is one SSE event, or the whole body of a plain answer."""

    model_config = ConfigDict(extra="forbid")

    before_headers_seconds: float = Field(0, ge=0)
    before_first_token_seconds: float = Field(0, ge=0)
    hang_before_headers: bool = False
    held: bool = Field(False, description="no answer before the rules are dropped")
    status: int | None = Field(None, ge=400, le=599)
    retry_after: int | None = Field(None, ge=0, description="seconds; 1 on 429 when not given")
    content_type: str | None = None
    cut_after_chunks: int | None = Field(None, ge=0)
    hang_after_chunks: int | None = Field(None, ge=0)
    garbage_after_chunks: int | None = Field(None, ge=0)
    error_after_chunks: int | None = Field(None, ge=0)
    tokens_per_second: float | None = Field(None, ge=0)
    empty_answer: bool = False
    content: str | None = Field(None, description="said instead of the answer, word for word")
    finish_reason: str | None = None
    inline_think: bool = False
    implicit_think: bool = Field(False, description="inline, and without the tag that begins it")
    bad_json: Literal["invalid", "truncated", "wrong_fields", "empty", "greeting", "greeting_values"] | None = None
    omit_usage: bool = False
    prompt_tokens_times: float = Field(1, gt=0, description="another vocabulary: a prompt is so many times as many")
    context_length: int | None = Field(None, ge=1, description="another window than the model's")


class Match(BaseModel):
    """Which requests a rule is for; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = None
    model: str | None = None
    text_contains: str | None = Field(None, description="in any message or embedding input")
    question_contains: str | None = Field(None, description="in the last user message")


class Rule(BaseModel):
    """A fault, the requests it is for, and how often it still applies (null: always)."""

    model_config = ConfigDict(extra="forbid")

    match: Match = Match()
    times: int | None = Field(None, ge=0)
    fault: Fault


class Rules:
    """The rules in force, in order: the first that matches and has times left applies."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._dropped = asyncio.Event()

    def drop(self) -> None:
        """No rule is in force any more, and what was held goes on."""
        self.rules.clear()
        self._dropped.set()
        self._dropped = asyncio.Event()

    async def until_dropped(self, fault: Fault) -> None:
        """Waits while the rule that the fault is from is in force."""
        while any(rule.fault is fault for rule in self.rules):
            await self._dropped.wait()

    def take(self, path: str, body: Any) -> Fault:
        """The fault for this request; uses up one time of its rule."""
        for rule in self.rules:
            if rule.times != 0 and matches(rule.match, path, body):
                if rule.times is not None:
                    rule.times -= 1
                return rule.fault
        return Fault()


class Cut(Exception):
    """Ends a reply in the middle, without its end."""


class Spoiler:
    """Stands before `send` and does to the reply what the fault says; notes in the exchange what got through."""

    def __init__(self, fault: Fault, send: Send, exchange: Exchange) -> None:
        self.fault = fault
        self._send = send
        self._exchange = exchange

    async def __call__(self, message: Message) -> None:
        """Passes a message on, spoilt or not."""
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
            message["headers"] = self._headers(message["headers"])
        elif message.get("body"):
            await self._before_chunk(message)
            self._exchange.chunks_sent += 1
        # noted before it is sent: a client that has read the end may ask about it at once
        self._exchange.ended = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """With another content type, and without a length that garbage would not have."""
        if self.fault.content_type:
            headers = [(name, value) for name, value in headers if name != b"content-type"]
            headers.append((b"content-type", self.fault.content_type.encode()))
        spoilt = self.fault.garbage_after_chunks is not None or self.fault.error_after_chunks is not None
        return [(name, value) for name, value in headers if not (spoilt and name == b"content-length")]

    async def _before_chunk(self, message: Message) -> None:
        fault, chunks = self.fault, self._exchange.chunks_sent
        if chunks == fault.cut_after_chunks:
            raise Cut
        if chunks == fault.hang_after_chunks:
            await asyncio.Event().wait()
        if chunks == fault.garbage_after_chunks:
            message["body"] = GARBAGE
        if chunks == fault.error_after_chunks:
            body = orjson.dumps(error_body("The model failed while answering.", "server_error", None, "model_failed"))
            self._exchange.chunks_sent, self._exchange.ended = chunks + 1, True
            await self._send({"type": "http.response.body", "body": b"data: " + body + b"\n\n", "more_body": False})
            raise Cut


def refusal(fault: Fault) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, document and headers of a reply that refuses."""
    status = fault.status or 500
    after = 1 if status == 429 and fault.retry_after is None else fault.retry_after
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = error_body(f"Refused on request with status {status}.", kind, None, _CODES.get(status, "internal_error"))
    return status, body, {} if after is None else {"retry-after": str(after)}


def texts_of(body: Any) -> list[str]:
    """Every text in a request's messages or input, in order."""
    if not isinstance(body, dict):
        return []
    messages = body.get("messages")
    contents = (
        [each.get("content") for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    )
    return [text for content in [*contents, body.get("input")] for text in _texts(content)]


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return [text for text in texts if isinstance(text, str)]


def matches(match: Match, path: str, body: Any) -> bool:
    """Whether a request is one of those meant."""
    fields = body if isinstance(body, dict) else {}
    asked = [m for m in fields.get("messages") or [] if isinstance(m, dict) and m.get("role") == "user"]
    return (
        (match.path is None or match.path == path)
        and (match.model is None or match.model == fields.get("model"))
        and (match.text_contains is None or any(match.text_contains in text for text in texts_of(body)))
        and (
            match.question_contains is None
            or any(match.question_contains in text for text in texts_of({"messages": asked[-1:]}))
        )
    )
