"""Forgetting by topic: what is asked for, and what went or would go."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from memory_service.schemas.values import Id


class ForgetTopic(BaseModel):
    """Body of `POST /v1/memory/forget`."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(
        min_length=1, max_length=200, description="What has all of these words goes.", examples=["violin lessons"]
    )
    conversation: Id | None = Field(None, description="Only what was said there.")
    dry_run: Annotated[bool, Field(strict=True)] = Field(False, description="Says what would go, and changes nothing.")


class ForgottenFact(BaseModel):
    id: str
    text: str


class ForgottenTurn(BaseModel):
    """`user` and `assistant` are excerpts of a long turn."""

    id: str
    conversation_id: str
    created_at: int
    user: str
    assistant: str


class Forgetting(BaseModel):
    """The receipt. Episodes that told of the turns are made anew without them."""

    object: Literal["memory.forgetting"] = "memory.forgetting"
    topic: str
    dry_run: bool
    facts: list[ForgottenFact]
    turns: list[ForgottenTurn]
    episodes: int
