"""Conversations, as OpenAI's clients read them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.items import Strict
from chat_service.schemas.metadata import Metadata


class CreateConversation(Strict):
    metadata: Metadata | None = None
    items: list[dict[str, Any]] | None = Field(None, description="Only empty; a turn adds items.")


class UpdateConversation(Strict):
    metadata: Metadata | None = Field(description="Replaces what was there; null empties it.")


class Conversation(BaseModel):
    """`updated_at` is when its newest turn began."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    updated_at: int
    metadata: dict[str, str]


class DeletedConversation(BaseModel):
    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True
