"""What the model is called with for a turn, once its files are read."""

from dataclasses import dataclass
from typing import Any

from chat_service.clients.model import ModelCall
from chat_service.code_answers import RESPONSE_FORMAT
from chat_service.completion_requests import EFFORTS
from chat_service.context import Receipt
from chat_service.contexts import Contexts
from chat_service.models import Catalogue
from chat_service.provider_keys import ProviderKeys
from chat_service.stores.items import Item
from chat_service.stores.responses import StoredResponse


@dataclass(frozen=True)
class Briefing:
    """A call of the model, whose key it goes by if not the server's, and the receipt of its messages.

    `in_files` says that a structured answer is asked for.
    """

    call: ModelCall
    api_key: str | None
    receipt: Receipt
    in_files: bool


class Briefings:
    """Prepares calls; more output than `max_output_tokens` is capped, not refused."""

    def __init__(
        self, catalogue: Catalogue, contexts: Contexts, provider_keys: ProviderKeys, max_output_tokens: int
    ) -> None:
        self._catalogue = catalogue
        self._contexts = contexts
        self._provider_keys = provider_keys
        self._max_output_tokens = max_output_tokens

    async def prepare(self, turn: StoredResponse, items: list[Item]) -> Briefing:
        """Waits for the files that the turn names, and assembles the context."""
        api_key = await self._provider_keys.of(turn.owner)
        context = await self._contexts.assemble(turn, items)
        mode, model = self._catalogue.mode(turn.mode), self._catalogue.model(turn.model_id)
        asked = turn.request
        effort = asked.get("reasoning", {}).get("effort")
        response_format = _response_format(asked.get("text", {}).get("format"))
        # what a client asks for by itself, it gets as the model gives it
        in_files = bool(mode and mode.format == "code" and not response_format and not asked.get("tools"))
        call = ModelCall(
            model=turn.model_id,
            thinking=model.thinking,
            messages=context.messages,
            max_tokens=model.output_tokens(asked.get("max_output_tokens"), self._max_output_tokens),
            temperature=asked.get("temperature", mode.temperature if mode else None),
            top_p=asked.get("top_p", mode.top_p if mode else None),
            tools=[_tool(tool) for tool in asked.get("tools", ())] or None,
            tool_choice=_tool_choice(asked.get("tool_choice")),
            response_format=RESPONSE_FORMAT if in_files else response_format,
            reasoning_effort=EFFORTS.get(effort, effort),
        )
        return Briefing(call, api_key, context.receipt(), in_files)


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A function as the completions API has it."""
    named = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {name: tool[name] for name in named if name in tool}}


def _tool_choice(choice: Any) -> Any:
    if isinstance(choice, dict):
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice


def _response_format(asked: dict[str, Any] | None) -> dict[str, Any] | None:
    if asked is None or asked["type"] == "text":
        return None
    if asked["type"] == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {name: value for name, value in asked.items() if name != "type"}}
