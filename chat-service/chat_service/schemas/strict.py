"""What all request bodies have in common."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Refuses fields that are not declared."""

    model_config = ConfigDict(extra="forbid")
