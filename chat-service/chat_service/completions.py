"""Stateless chat completions: one call of the model each, of which only the cost is kept."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from chassis.clock import Clock, system_clock
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.tokens import estimate_tokens
from chat_service.clients.model import Model, ModelCall, ModelChunk, ModelUsage
from chat_service.completion_requests import has_images, model_call
from chat_service.ledger_records import CallRecord, Outcome, Source
from chat_service.models import Catalogue, Mode
from chat_service.problems import InputTooLong
from chat_service.provider_keys import OwnKey
from chat_service.repeats import Repeatable
from chat_service.running_calls import RunningCalls
from chat_service.schemas.completions import ChatCompletionRequest
from chat_service.settings import Settings
from chat_service.transcripts import tokens_in


@dataclass(frozen=True, kw_only=True)
class CompletionLimits:
    """What one request may ask for; more output than that is capped, not refused."""

    output_tokens: int
    messages: int
    characters: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As this deployment sets them."""
        return cls(
            output_tokens=settings.max_output_tokens,
            messages=settings.completion_max_messages,
            characters=settings.completion_max_characters,
        )


class Completions:
    """Begins completions. `own_key` tells by which key the calls of a user go; None: the server's."""

    def __init__(
        self,
        model: Model,
        catalogue: Catalogue,
        calls: RunningCalls,
        limits: CompletionLimits,
        own_key: OwnKey,
        clock: Clock = system_clock,
    ) -> None:
        self._model = model
        self._catalogue = catalogue
        self._calls = calls
        self._limits = limits
        self._own_key = own_key
        self._clock = clock

    def begin(
        self, principal: Principal, body: ChatCompletionRequest, repeatable: Repeatable | None = None
    ) -> "Completion":
        """A completion that has yet to be read; the model is called when its chunks are. Raises what is refused."""
        if len(body.messages) > self._limits.messages:
            raise InputTooLong(f"There may be {self._limits.messages} messages.", param="messages")
        choice = self._catalogue.choose(body.model, images=has_images(body))
        call = model_call(
            body,
            choice,
            max_output_tokens=self._limits.output_tokens,
            max_characters=self._limits.characters,
        )
        created = int(self._clock())
        return Completion(
            self._model, call, body.model, choice.mode, principal, repeatable, self._calls, self._own_key, created
        )


@dataclass(slots=True)
class Said:
    """What the model has said so far."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finish_reason: str | None = None
    usage: ModelUsage | None = None

    @property
    def anything(self) -> bool:
        """Whether there was a first token."""
        return bool(self.texts or self.thoughts or self.calls)

    def add(self, chunk: ModelChunk) -> None:
        """Takes in the next chunk."""
        if chunk.text:
            self.texts.append(chunk.text)
        if chunk.reasoning:
            self.thoughts.append(chunk.reasoning)
        for piece in chunk.tool_calls or ():
            if call := self.calls.get(piece["index"]):
                call["function"]["arguments"] += piece["function"]["arguments"]
            else:
                self.calls[piece["index"]] = {**piece, "function": dict(piece["function"])}
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.usage = chunk.usage or self.usage

    def estimated_tokens(self) -> int:
        """About how many tokens all of it is."""
        called = [call["function"]["name"] + call["function"]["arguments"] for call in self.calls.values()]
        return estimate_tokens("".join([*self.texts, *self.thoughts, *called]))


class Completion:
    """One completion: read it once, through `chunks`; `said` and `usage` tell what has come so far.

    `headers` are those of its answer, once it is admitted.
    """

    def __init__(
        self,
        model: Model,
        call: ModelCall,
        name: str,
        mode: Mode | None,
        principal: Principal,
        repeatable: Repeatable | None,
        calls: RunningCalls,
        own_key: OwnKey,
        created: int,
    ) -> None:
        self.id = new_id("chatcmpl")
        self.created = created
        self.model = name
        self.said = Said()
        self.headers: dict[str, str] = {}
        self._model = model
        self._call = call
        self._mode = mode
        self._principal = principal
        self._repeatable = repeatable
        self._calls = calls
        self._own_key = own_key
        self._api_key: str | None = None
        self._began = 0.0
        self._first_token_ms: int | None = None

    async def chunks(self) -> AsyncGenerator[ModelChunk]:
        """The answer piece by piece; closing it stops the model. However it ends, it is recorded once.

        Raises the problems of the model, what `RunningCalls.running` does, and `Unauthenticated` when whoever asked is
        gone, or goes meanwhile.
        """
        async with self._calls.running(self._principal, self._repeatable) as headers:
            self.headers |= headers
            self._api_key = await self._own_key(self._principal.user_id)
            async with aclosing(self._recorded()) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _recorded(self) -> AsyncGenerator[ModelChunk]:
        self._began = time.perf_counter()
        failed = False
        try:
            async with aclosing(self._model.stream(self._call, self._api_key)) as chunks:
                async for chunk in chunks:
                    self.said.add(chunk)
                    if self._first_token_ms is None and self.said.anything:
                        self._first_token_ms = _milliseconds_since(self._began)
                    yield chunk
        except Exception:
            failed = True
            raise
        finally:
            await self._calls.record(self._cost(failed))

    def usage(self) -> tuple[Source, ModelUsage]:
        """The provider's count, or ours where it gave none (as when the answer was stopped)."""
        if self.said.usage:
            return "provider", self.said.usage
        return "estimated", ModelUsage(
            input_tokens=sum(map(tokens_in, self._call.messages)),
            output_tokens=self.said.estimated_tokens(),
            reasoning_tokens=estimate_tokens("".join(self.said.thoughts)),
        )

    def _cost(self, failed: bool) -> CallRecord:
        source, usage = self.usage()
        if failed and source == "estimated" and not self.said.anything:
            usage = ModelUsage(0, 0)  # the provider refused, or never got to it
        return CallRecord(
            call_id=self.id,
            owner=self._principal.user_id,
            purpose="completion",
            key_id=self._principal.key_id,
            mode=self._mode.name if self._mode else None,
            model=self._call.model,
            outcome=self._outcome(failed),
            source=source,
            **asdict(usage),
            created_at=self.created,
            latency_ms=_milliseconds_since(self._began),
            first_token_ms=self._first_token_ms,
            own_key=self._api_key is not None,
        )

    def _outcome(self, failed: bool) -> Outcome:
        if failed:
            return "failed"
        if self.said.finish_reason is None:
            return "cancelled"
        return "incomplete" if self.said.finish_reason in ("length", "content_filter") else "completed"


def _milliseconds_since(moment: float) -> int:
    return round((time.perf_counter() - moment) * 1000)
