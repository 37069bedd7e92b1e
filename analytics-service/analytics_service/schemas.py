"""What crosses the wire: the event of one model call, and the report of a period."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

END_OF_TIME = 253_402_300_800  # the year 10000: no second of the calendar lies beyond it
MOST_TOKENS = 1_000_000_000  # of one call; keeps every sum within 64 bits

Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class UsageRecorded(BaseModel):
    """Data of `usage.recorded`: one call of a model, counted once by its `call_id`."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    call_id: Identifier
    owner: Identifier
    purpose: Word  # turn, completion, embedding, repair, title
    conversation_id: Identifier | None = None
    response_id: Identifier | None = None
    key_id: Identifier | None = None
    mode: Identifier | None = None
    model: Annotated[str, Field(min_length=1, max_length=256)]
    input_tokens: Tokens
    cached_tokens: Tokens
    output_tokens: Tokens
    reasoning_tokens: Tokens
    source: Literal["provider", "estimated"]
    outcome: Word
    created_at: Annotated[float, Field(ge=0, lt=END_OF_TIME, allow_inf_nan=False)]
    latency_ms: Milliseconds
    first_token_ms: Milliseconds | None = None


class UsageQuery(BaseModel):
    """The period asked about: `from` is inside it, `to` is not; without them it is open on that side."""

    model_config = ConfigDict(extra="forbid")

    start: int | None = Field(None, alias="from", ge=0, le=END_OF_TIME, description="Unix seconds, inclusive.")
    end: int | None = Field(None, alias="to", ge=0, le=END_OF_TIME, description="Unix seconds, exclusive.")


class Counts(BaseModel):
    """`cached_tokens` are part of the input and `reasoning_tokens` part of the output, as the provider counts them."""

    calls: int = Field(description="All calls of a model: turns, completions, embeddings, repairs, titles.")
    turns: int = Field(description="Those of them that answered a turn.")
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int = Field(description="Input and output.")
    estimated_calls: int = Field(description="Calls whose tokens we estimated because the provider did not count them.")


class ModelUsage(Counts):
    model: str


class ConversationUsage(Counts):
    conversation_id: str | None = Field(description="null: calls that belong to no conversation.")


class UsageReport(BaseModel):
    """What one user's calls used in a period, those with most tokens first."""

    object: Literal["usage"] = "usage"
    start: int | None = Field(serialization_alias="from")
    end: int | None = Field(serialization_alias="to")
    total: Counts
    by_model: list[ModelUsage]
    by_conversation: list[ConversationUsage]
    has_more: bool = Field(description="There are more conversations than `by_conversation` shows.")
