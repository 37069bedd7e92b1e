"""Embeddings: texts passed on to the provider in parts, vectors handed back, of which only the cost is kept."""

import asyncio
import struct
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.clock import Clock, system_clock
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.tokens import estimate_tokens
from chat_service.clients.model import Model
from chat_service.ledger_records import CallRecord, Outcome
from chat_service.models import Catalogue, ModelSpec
from chat_service.problems import InputTooLong, UnsupportedParameter
from chat_service.provider_keys import OwnKey
from chat_service.repeats import Repeatable
from chat_service.running_calls import Headers, RunningCalls
from chat_service.schemas.embeddings import EmbeddingRequest

TEXTS_AT_ONCE = 128
"""More in one call, and reading its answer would hold up everybody else's streams."""


@dataclass
class Embedded:
    """What one request has come to so far: vectors written as JSON already, and the tokens they cost."""

    model: ModelSpec
    began: float
    vectors: list[orjson.Fragment]
    tokens: int = 0
    is_estimated: bool = False
    outcome: Outcome = "cancelled"
    api_key: str | None = None

    def count(self, tokens: int | None, about: int) -> None:
        """Adds what one call cost: what the provider said, or our estimate."""
        self.tokens += about if tokens is None else tokens
        self.is_estimated |= tokens is None


class Embeddings:
    """Makes embeddings. `own_key` tells by which key the calls of a user go; None: the server's."""

    def __init__(
        self,
        model: Model,
        catalogue: Catalogue,
        calls: RunningCalls,
        max_characters: int,
        own_key: OwnKey,
        clock: Clock = system_clock,
    ) -> None:
        self._model = model
        self._catalogue = catalogue
        self._calls = calls
        self._max_characters = max_characters
        self._own_key = own_key
        self._clock = clock

    async def embed(
        self, caller: Principal, body: EmbeddingRequest, repeatable: Repeatable
    ) -> tuple[dict[str, Any], Headers]:
        """The answer, as orjson writes it, and its headers. However it ends, it is recorded once.

        Raises what is refused, and what `RunningCalls.running` does.
        """
        model = self._catalogue.embedding(body.model)
        texts = self._texts(body)
        created_at = int(self._clock())
        async with self._calls.running(caller, repeatable) as headers:
            done = Embedded(model, time.perf_counter(), [])
            try:
                done.api_key = await self._own_key(caller.user_id)
                await self._embed(done, texts, body.encoding_format or "float")
                done.outcome = "completed"
            except Exception:
                done.outcome = "failed"
                raise
            finally:
                await self._calls.record(_cost(done, caller, created_at))
        return _document(done, body.model), headers

    def _texts(self, body: EmbeddingRequest) -> list[str]:
        """Raises `UnsupportedParameter` and `InputTooLong`."""
        if body.dimensions is not None:
            raise UnsupportedParameter("dimensions", "Vectors have the length that the model gives them.")
        given = [body.input] if isinstance(body.input, str) else body.input
        texts = [text for text in given if isinstance(text, str)]
        if len(texts) < len(given):
            raise UnsupportedParameter("input", "Give texts; tokens are not the same for every model.")
        if sum(map(len, texts)) > self._max_characters:
            raise InputTooLong(f"The texts may have {self._max_characters} characters in all.", param="input")
        return texts

    async def _embed(self, done: Embedded, texts: list[str], encoding: str) -> None:
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = texts[start : start + TEXTS_AT_ONCE]
            about = sum(map(estimate_tokens, part))
            try:
                answer = await self._model.embed(done.model.id, part, done.api_key)
            except asyncio.CancelledError:  # the provider counts it all the same
                done.count(None, about)
                raise
            done.count(answer.tokens, about)
            done.vectors += [_written(vector, encoding) for vector in answer.vectors]


def _written(vector: list[float], encoding: str) -> orjson.Fragment:
    if encoding == "float":
        return orjson.Fragment(orjson.dumps(vector))
    return orjson.Fragment(b'"%b"' % b64encode(struct.pack(f"<{len(vector)}f", *vector)))


def _document(done: Embedded, name: str) -> dict[str, Any]:
    vectors = enumerate(done.vectors)
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": index, "embedding": vector} for index, vector in vectors],
        "model": name,
        "usage": {"prompt_tokens": done.tokens, "total_tokens": done.tokens},
    }


def _cost(done: Embedded, caller: Principal, created_at: int) -> CallRecord:
    return CallRecord(
        call_id=new_id("embd"),
        owner=caller.user_id,
        purpose="embedding",
        key_id=caller.key_id,
        model=done.model.id,
        outcome=done.outcome,
        source="estimated" if done.is_estimated else "provider",
        input_tokens=done.tokens,
        output_tokens=0,
        created_at=created_at,
        latency_ms=round((time.perf_counter() - done.began) * 1000),
        own_key=done.api_key is not None,
    )
