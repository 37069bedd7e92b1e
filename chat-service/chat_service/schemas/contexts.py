"""Receipts of contexts: what went, or would go, to the model."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.response_objects import MemoryUse


class DroppedPart(BaseModel):
    """What was left out, and why."""

    kind: str
    source: str
    ids: list[str]
    tokens: int
    reason: str | None


class ContextPart(BaseModel):
    """A part of what was sent.

    `kind`: prompt, instructions, facts, episodes, turn, recall, file, image or input; `source` says where it came from:
    mode, request, memory, conversation, files or user.
    """

    kind: str
    source: str
    ids: list[str] = Field(description="Of the turns, facts, episodes or files it is made of.")
    tokens: int = Field(description="An estimate.")
    reason: str | None
    score: float | None = Field(default=None, description="Of a turn that was recalled: how well it fits the question.")
    messages: tuple[int, int] = Field(description="Places of the first and the last message it stands in, from 0.")


class ContextObject(BaseModel):
    """`messages_hash` is the SHA-256 of `messages` as compact JSON in UTF-8, keys in the order they stand here."""

    object: Literal["response.context"] = "response.context"
    response_id: str | None = Field(description="None in a preview.")
    conversation_id: str | None
    model: str = Field(description="The name that was asked for.")
    provider_model: str
    tokens: int = Field(description="About how many tokens the messages are.")
    token_ratio: float = Field(
        1.0, description="How many tokens the model counts for one of our estimate, as far as was known then."
    )
    memory: MemoryUse
    parts: list[ContextPart]
    dropped: list[DroppedPart]
    messages_hash: str
    messages: list[dict[str, Any]] | None = Field(
        description="As they were sent; in the place of an image's URL stands its hash. None once they were erased."
    )
