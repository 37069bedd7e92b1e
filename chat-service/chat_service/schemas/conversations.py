"""Conversations, as OpenAI's clients read them, and what this server adds: titles, branches, defaults."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.items import AnyItem
from chat_service.schemas.metadata import Metadata
from chat_service.schemas.strict import Strict

BroughtItems = Annotated[list[AnyItem], Field(max_length=20)]
Title = Annotated[str, Field(max_length=200, description="Kept in one line; null goes back to the first words.")]
Instructions = Annotated[str, Field(max_length=100_000)]
ModelName = Annotated[str, Field(max_length=256)]


class Description(Strict):
    """What the owner may say of a conversation."""

    metadata: Metadata | None = Field(None, description="Replaces what was there; null empties it.")
    title: Title | None = None
    archived: bool | None = Field(None, description="Archived conversations are left out of the list.")
    pinned: bool | None = None
    instructions: Instructions | None = Field(
        None, description="A system message of every turn that brings none of its own."
    )
    model: ModelName | None = Field(None, description="Answers turns that name no model.")


class CreateConversation(Description):
    items: BroughtItems | None = Field(None, description="What was said elsewhere; it becomes turns that have ended.")


class UpdateConversation(Description):
    """Only what is given changes."""

    active_response_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Any response of the conversation: the branch that ends there becomes the active one."
    )


class CreateItems(Strict):
    items: Annotated[BroughtItems, Field(min_length=1)]


class Conversation(BaseModel):
    """`updated_at` is when its newest turn began, `active_response_id` the turn at which the active branch ends."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    updated_at: int
    metadata: dict[str, str]
    title: str | None
    archived: bool
    pinned: bool
    instructions: str | None
    model: str | None
    active_response_id: str | None


class DeletedConversation(BaseModel):
    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


class ResponseNode(BaseModel):
    """A turn's place in the tree of its conversation. `preview` are the first words of the user in it."""

    id: str
    object: Literal["response.node"] = "response.node"
    parent_id: str | None
    depth: int
    status: Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]
    model: str
    created_at: int
    active: bool = Field(description="Whether it is on the active branch.")
    deleted: bool = Field(description="Whether it is what is left of a deleted turn.")
    preview: str | None
