"""Chat completions that name a conversation: a turn like any other, in the words of the completions API."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from chassis.identity import Principal
from chat_service.answer import event_in
from chat_service.clients.model import ModelChunk, ModelUsage
from chat_service.completion_turns import told_of, turn_of
from chat_service.completions import Said
from chat_service.ledger_records import Source
from chat_service.repeats import Repeatable
from chat_service.schemas.completions import ChatCompletionRequest
from chat_service.stores.responses import StoredResponse
from chat_service.turns import Turns

OURS = re.compile(r"conv_[0-9a-f]{32}")
FINISH_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter", "interrupted": "length"}


class StoredCompletions:
    """Begins them. A conversation is named by our id, or by any other text, under which one is opened once."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    async def begin(
        self, caller: Principal, body: ChatCompletionRequest, conversation: str, repeatable: Repeatable
    ) -> "StoredCompletion":
        """The turn, accepted. Raises what the request and its place can be refused for."""
        is_ours = OURS.fullmatch(conversation) is not None
        asked = turn_of(body, conversation if is_ours else None)
        alias, told = None if is_ours else conversation, told_of(body.messages)
        turn = await self._turns.accept(caller, asked, repeatable, alias=alias, told=told)
        return StoredCompletion(self._turns, turn, body.model, await self._turns.headers(caller, turn))


class StoredCompletion:
    """Read it once, through `chunks`; `said` and `usage` tell what has come so far. Leaving it stops nothing."""

    def __init__(self, turns: Turns, turn: StoredResponse, name: str, headers: dict[str, str]) -> None:
        self.id = turn.id
        self.created = int(turn.created_at)
        self.model = name
        self.said = Said()
        self.headers = headers
        self._turns = turns
        self._turn = turn
        self._calls: dict[str, int] = {}

    async def chunks(self) -> AsyncGenerator[ModelChunk]:
        """The answer piece by piece, from the log of the turn. Raises what it failed with."""
        async with aclosing(self._turns.follow(self._turn)) as following:
            async for frames in following:
                for frame in frames.split(b"\n\n"):
                    if frame.startswith(b"event:") and (chunk := await self._chunk(event_in(frame))):
                        self.said.add(chunk)
                        yield chunk

    def usage(self) -> tuple[Source, ModelUsage]:
        """As the turn has it."""
        return "provider", self.said.usage or ModelUsage(0, 0)

    async def _chunk(self, event: dict[str, Any]) -> ModelChunk | None:
        match event["type"]:
            case "response.output_text.delta":
                return ModelChunk(text=event["delta"])
            case "response.reasoning_text.delta":
                return ModelChunk(reasoning=event["delta"])
            case "response.output_item.added" if event["item"]["type"] == "function_call":
                return self._call_begun(event["item"])
            case "response.function_call_arguments.delta":
                piece = {"index": self._calls[event["item_id"]], "function": {"arguments": event["delta"]}}
                return ModelChunk(tool_calls=[piece])
            case "response.failed":
                raise await self._turns.failure(self._turn)
            case "response.completed" | "response.incomplete":
                return self._last(event["response"])
            case _:
                return None

    def _call_begun(self, item: dict[str, Any]) -> ModelChunk:
        index = self._calls[item["id"]] = len(self._calls)
        called = {"name": item["name"], "arguments": ""}
        return ModelChunk(tool_calls=[{"index": index, "id": item["call_id"], "type": "function", "function": called}])

    def _last(self, response: dict[str, Any]) -> ModelChunk:
        reason = (response["incomplete_details"] or {}).get("reason")
        finish_reason = FINISH_REASONS.get(reason or "", "tool_calls" if self._calls else "stop")
        usage = response["usage"]
        counted = ModelUsage(
            usage["input_tokens"],
            usage["output_tokens"],
            usage["input_tokens_details"]["cached_tokens"],
            usage["output_tokens_details"]["reasoning_tokens"],
        )
        return ModelChunk(finish_reason=finish_reason, usage=counted)
