"""API keys: asked for, shown, and shown once with the secret."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from auth_service.schemas.values import Body

ApiKeyScope = Literal[
    "chat:read", "chat:write", "files:read", "files:write", "memory:read", "memory:write", "usage:read", "usage:write"
]
MAXIMUM_NAME = 64
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 10 * 366 * 86_400


def _name(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip(" ")
    if not 1 <= len(name) <= MAXIMUM_NAME or not name.isprintable():
        raise ValueError(f"a name has 1 to {MAXIMUM_NAME} printable characters")
    return name


KeyName = Annotated[
    str, Field(min_length=1, max_length=MAXIMUM_NAME, examples=["nightly report"]), AfterValidator(_name)
]


class CreateApiKey(Body):
    name: KeyName
    scopes: list[ApiKeyScope] = Field(min_length=1, max_length=16, description="What the key may do.")
    expires_in: int | None = Field(
        None, ge=SHORTEST_SECONDS, le=LONGEST_SECONDS, description="Seconds; left out, the key never expires."
    )


class RenameApiKey(Body):
    name: KeyName


class ApiKeyObject(BaseModel):
    id: str
    object: Literal["api_key"] = "api_key"
    name: str
    scopes: list[str]
    last_four: str = Field(description="The end of the key, to tell it from others.")
    created_at: int = Field(description="Unix seconds.")
    expires_at: int | None = Field(description="null for a key that never expires.")
    last_used_at: int | None = Field(description="To the minute; null for a key that was never used.")


class NewApiKey(ApiKeyObject):
    key: str = Field(description="The key itself, shown only here: `Authorization: Bearer <key>`.")
