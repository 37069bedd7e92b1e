"""What a user chose about the memory."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class MemorySettings(BaseModel):
    object: Literal["memory.settings"] = "memory.settings"
    facts_across_conversations: bool = Field(
        description="Whether a fact is used in every conversation, or only where the user said it."
    )


class ChangeMemorySettings(BaseModel):
    """Only what is given changes."""

    model_config = ConfigDict(extra="forbid")

    facts_across_conversations: Annotated[bool, Field(strict=True)] | None = None
