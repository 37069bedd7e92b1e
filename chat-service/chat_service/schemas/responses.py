"""Responses: the whole of OpenAI's request, of which every field is honoured, ignored as documented or refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.items import Input, Strict
from chat_service.schemas.metadata import Metadata

_NOT_SUPPORTED = "Not supported."
_IGNORED = "Ignored."

ConversationId = Annotated[str, Field(min_length=1, max_length=64)]


class ConversationRef(Strict):
    id: ConversationId


class TextFormat(Strict):
    type: Literal["text"]


class OtherFormat(BaseModel):
    """Not supported."""

    type: Literal["json_object", "json_schema"]


class TextConfig(Strict):
    format: Annotated[TextFormat | OtherFormat, Field(discriminator="type")] | None = Field(
        None, description="Only `text`."
    )
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description=_IGNORED)


class StreamOptions(Strict):
    include_obfuscation: bool | None = Field(None, description="Ignored; deltas carry no padding.")


class CreateResponse(Strict):
    """A turn. Names the conversation it belongs to, or the response it follows, or opens a conversation."""

    model: str = Field(min_length=1, max_length=200, description="A name from `GET /v1/models`.")
    input: Input = Field(description="The user's text, or messages of which at least one is the user's.")

    conversation: ConversationId | ConversationRef | None = Field(None, description="Appends to its active branch.")
    previous_response_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Branches: goes on from that response. Not together with `conversation`."
    )
    stream: bool | None = None
    store: bool | None = Field(
        None, description="False keeps nothing: no memory, no conversation of its own; leaving stops the call."
    )
    background: bool | None = Field(None, description="True answers at once; the response is made all the same.")
    instructions: str | None = Field(None, max_length=100_000, description="A system message for this turn only.")
    metadata: Metadata | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_output_tokens: int | None = Field(None, ge=1, le=2**53, description="Capped by the server.")

    text: TextConfig | None = Field(None, description="Only plain text.")
    tools: list[dict[str, Any]] | None = Field(None, description="Only empty.")
    tool_choice: str | dict[str, Any] | None = Field(None, description="Only `auto` or `none`.")
    top_logprobs: int | None = Field(None, description="Only 0.")

    access_programs: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    background_options: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    context_management: list[dict[str, Any]] | None = Field(None, description=_NOT_SUPPORTED)
    image: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    moderation: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    prompt: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    reasoning: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)

    include: list[str] | None = Field(None, description="Ignored; nothing that it can name exists here.")
    max_tool_calls: int | None = Field(None, description=_IGNORED)
    parallel_tool_calls: bool | None = Field(None, description=_IGNORED)
    prompt_cache_key: str | None = Field(None, description=_IGNORED)
    prompt_cache_options: dict[str, Any] | None = Field(None, description=_IGNORED)
    prompt_cache_retention: str | None = Field(None, description=_IGNORED)
    safety_identifier: str | None = Field(None, description=_IGNORED)
    service_tier: str | None = Field(None, description=_IGNORED)
    stream_options: StreamOptions | None = None
    truncation: Literal["auto", "disabled"] | None = Field(None, description="Ignored; the context is always fitted.")
    user: str | None = Field(None, description="Ignored; turns are billed to whoever is signed in.")


class InputTokensDetails(BaseModel):
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(BaseModel):
    reasoning_tokens: int = 0


class ResponseUsage(BaseModel):
    """As the provider counted; estimated where it did not."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ResponseError(BaseModel):
    """Why it failed; codes are those of problems."""

    code: str
    message: str


class IncompleteDetails(BaseModel):
    """`max_output_tokens`, `content_filter`, or `interrupted` by a restart of the server."""

    reason: str


class MemoryUse(BaseModel):
    """Whether the answer could draw on memory; `known_through` is the newest turn that memory knew."""

    used: bool
    known_through: str | None = None
    reason: str | None = Field(None, description="Why it was not used: `unavailable` or `not_stored`.")


class ResponseObject(BaseModel):
    """A response as OpenAI's clients read it, and `memory`, which is ours."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]
    completed_at: int | None = None
    background: bool
    conversation: ConversationRef | None
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: None = None
    memory: MemoryUse | None = None
    metadata: dict[str, str]
    model: str = Field(description="The name that was asked for.")
    output: list[dict[str, Any]]
    parallel_tool_calls: bool = True
    previous_response_id: str | None
    reasoning: dict[str, None] = Field(default={"effort": None, "summary": None})
    service_tier: Literal["default"] = "default"
    store: bool
    temperature: float | None
    text: dict[str, Any] = Field(default={"format": {"type": "text"}})
    tool_choice: Literal["auto"] = "auto"
    tools: list[dict[str, Any]] = Field(default=[])
    top_logprobs: Literal[0] = 0
    top_p: float | None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None
    user: None = None
