"""The list of models, as OpenAI's clients read it."""

from typing import Literal

from pydantic import BaseModel


class ModelEntry(BaseModel):
    """A name that `model` takes: a mode of ours, or a model of the provider."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All of them; there are no pages."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]
