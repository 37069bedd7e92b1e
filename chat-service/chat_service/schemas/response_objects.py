"""Responses as clients read them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.responses import ConversationRef


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


class ReasoningUsed(BaseModel):
    effort: str | None = None
    summary: None = None


class CodeFile(BaseModel):
    """A file of a structured answer; versions of a name count up within its conversation."""

    id: str
    name: str
    version: int
    language: str | None = None
    content: str
    notes: str | None = None


class CodeAnswer(BaseModel):
    """What a structured answer is made of; the same as the text of the answer says."""

    explanation: str
    files: list[CodeFile]
    notes: str | None = None


class ResponseObject(BaseModel):
    """A response as OpenAI's clients read it; `code`, `memory` and `replaces` are ours."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]
    completed_at: int | None = None
    background: bool
    code: CodeAnswer | None = Field(None, description="Of a mode that answers in files.")
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
    reasoning: ReasoningUsed = Field(default_factory=ReasoningUsed)
    replaces: str | None = None
    service_tier: Literal["default"] = "default"
    store: bool
    temperature: float | None
    text: dict[str, Any] = Field(default={"format": {"type": "text"}})
    tool_choice: str | dict[str, Any] = "auto"
    tools: list[dict[str, Any]] = Field(default=[])
    top_logprobs: Literal[0] = 0
    top_p: float | None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None
    user: None = None


class DeletedResponse(BaseModel):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True
