"""memory-service: what is remembered of a conversation, for a turn. It may be down; a turn goes on without it."""

from typing import Annotated, Any

import structlog
from pydantic import BaseModel, Field, ValidationError

from chassis.neighbours import Neighbour
from chassis.problems import Problem

Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]

log = structlog.get_logger()


class MemoryPart(BaseModel):
    """What one part of the context is made of, or one that was left out; for the receipt."""

    kind: str
    ids: list[str] = []
    tokens: Tokens = 0
    reason: str | None = None
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None


class RememberedMessage(BaseModel):
    role: str
    content: str


class Remembered(BaseModel):
    """`messages` precede the user's new one; `recall` stands inside it; `known_through` is the newest turn known."""

    known_through: str | None
    messages: list[RememberedMessage]
    recall: str | None
    parts: list[MemoryPart]
    dropped: list[MemoryPart]
    tokens: Tokens


class Memory:
    """Asks memory within a deadline in seconds."""

    def __init__(self, neighbour: Neighbour, deadline: float) -> None:
        self._neighbour = neighbour
        self._deadline = deadline

    async def recall(
        self, owner: str, conversation_id: str, tail: list[str], query: str, token_budget: int
    ) -> Remembered | None:
        """What memory has for a turn; None when it does not answer in time, or not sensibly. `tail` is newest first."""
        asked: dict[str, Any] = {
            "owner": owner,
            "conversation_id": conversation_id,
            "tail": tail,
            "query": query,
            "token_budget": token_budget,
        }
        try:
            answer = await self._neighbour.call(
                "POST", "/internal/context", json=asked, deadline=self._deadline, idempotent=True
            )
            return Remembered.model_validate_json(answer.content)
        except Problem:
            return None
        except ValidationError:
            log.warning("memory_not_understood")
            return None
