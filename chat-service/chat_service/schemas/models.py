"""The list of models, as OpenAI's clients read it, and what this server adds to it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ModelType = Literal["chat", "embedding"]
Dollars = Annotated[float, Field(ge=0, le=1_000_000)]


class Price(BaseModel):
    """US dollars for a million tokens; without `cached_input` a cached token costs what any other does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None


class ModelEntry(BaseModel):
    """A name that `model` takes: a mode of ours, or a model of the provider.

    What comes after `owned_by` is ours; null where it is not known. A mode has what the model behind it has.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    type: ModelType | None = None
    context_window: int | None = Field(None, description="Tokens of question and answer together.")
    max_output_tokens: int | None = Field(None, description="Most tokens of one answer, for this model.")
    vision: bool | None = Field(None, description="Whether it takes images.")
    price: Price | None = None


class ModelList(BaseModel):
    """All of them; there are no pages."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]
