"""What the model is called with for a turn, once its files are read."""

from dataclasses import dataclass
from typing import Any

from chat_service.attachments import Attachments
from chat_service.clients.model import ModelCall
from chat_service.context import Contexts
from chat_service.models import Catalogue
from chat_service.stores.items import Item
from chat_service.stores.responses import StoredResponse


@dataclass(frozen=True)
class Briefing:
    """A call of the model, and the receipt that says what its messages are made of."""

    call: ModelCall
    receipt: dict[str, Any]


class Briefings:
    """Prepares calls; more output than `max_output_tokens` is capped, not refused."""

    def __init__(
        self, catalogue: Catalogue, attachments: Attachments, contexts: Contexts, max_output_tokens: int
    ) -> None:
        self._catalogue = catalogue
        self._attachments = attachments
        self._contexts = contexts
        self._max_output_tokens = max_output_tokens

    async def prepare(self, turn: StoredResponse, items: list[Item]) -> Briefing:
        """Waits for the files that the turn names, and assembles the context."""
        files = await self._attachments.texts(turn.owner, items)
        context = await self._contexts.assemble(turn, items, files)
        mode, _ = self._catalogue.resolve(turn.model)
        asked = turn.request
        call = ModelCall(
            model=turn.model_id,
            messages=context.messages,
            max_tokens=min(asked.get("max_output_tokens", self._max_output_tokens), self._max_output_tokens),
            temperature=asked.get("temperature", mode.temperature if mode else None),
            top_p=asked.get("top_p", mode.top_p if mode else None),
        )
        return Briefing(call, context.receipt())
