"""The context of a turn, as chat asks for it and gets it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_service.schemas.values import Id, Number


class ContextQuestion(BaseModel):
    """Body of `POST /internal/context`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Id
    conversation_id: Id
    tail: list[Id] = Field(max_length=64, description="Ids of the newest turns on the path, newest first.")
    query: str = Field(max_length=1_000_000)
    token_budget: Number = Field(ge=0, le=10_000_000)


class ContextMessage(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class ContextPart(BaseModel):
    """What is in the context, or was left out, and why."""

    kind: Literal["facts", "episodes", "turn", "recall"]
    ids: list[str]
    tokens: int
    reason: str
    score: float | None = Field(default=None, description="Of recalled turns: how well they fit, higher is better.")


class ContextAnswer(BaseModel):
    """Context of a turn, stable parts first; `recall` stands inside the user's new message."""

    known_through: str | None
    messages: list[ContextMessage]
    recall: str | None
    parts: list[ContextPart]
    dropped: list[ContextPart]
    tokens: int
