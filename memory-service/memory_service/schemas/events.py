"""Data of the events that memory takes from chat."""

from typing import Literal

from pydantic import BaseModel, Field

from memory_service.schemas.values import Id, Moment

Status = Literal["completed", "incomplete", "cancelled", "failed"]


class TurnEnded(BaseModel):
    """Data of `turn.ended`."""

    owner: Id
    conversation_id: Id
    turn_id: Id
    parent_id: Id | None
    depth: int = Field(ge=1)
    status: Status
    user_text: str
    assistant_text: str
    file_ids: list[Id] = []
    model: str | None = None
    created_at: Moment
    ended_at: Moment


class TurnRevised(BaseModel):
    """Data of `turn.revised`: its texts from now on. Without any the turn is an empty node."""

    owner: Id
    conversation_id: Id
    turn_id: Id
    user_text: str
    assistant_text: str


class ConversationDeleted(BaseModel):
    """Data of `conversation.deleted`."""

    owner: Id
    conversation_id: Id
