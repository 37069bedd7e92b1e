"""A user's sessions, as the user sees them."""

from typing import Literal

from pydantic import BaseModel, Field


class SessionObject(BaseModel):
    id: str
    object: Literal["session"] = "session"
    device: str | None = Field(description="What the browser or program calls itself.")
    address: str | None = Field(description="Where it was last refreshed from: an IPv4 address, or an IPv6 network.")
    created_at: int = Field(description="Unix seconds.")
    last_used_at: int = Field(description="To the minute.")
    expires_at: int = Field(description="When it ends unless it is refreshed before.")
    current: bool = Field(description="Whether it is the one that asks.")
