"""A user's own key for the provider: given once, never shown again."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from chat_service.schemas.strict import Strict

SHORTEST_KEY = 8
LONGEST_KEY = 256
# What may stand in a header as it is: no line end that could begin another one, nothing that has to be encoded.
_VISIBLE = re.compile(r"[!-~]+")


def _key(secret: SecretStr) -> SecretStr:
    if not _VISIBLE.fullmatch(secret.get_secret_value()):
        raise ValueError("a key has visible ASCII characters only")
    return secret


class PutProviderKey(Strict):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: Annotated[
        SecretStr,
        Field(min_length=SHORTEST_KEY, max_length=LONGEST_KEY, json_schema_extra={"pattern": "^[!-~]+$"}),
        AfterValidator(_key),
    ]


class ProviderKeyObject(BaseModel):
    """Whether there is one, and how to tell it from others."""

    object: Literal["provider_key"] = "provider_key"
    set: bool
    last_four: str | None
    created_at: int | None
