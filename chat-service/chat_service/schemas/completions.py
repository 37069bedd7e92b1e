"""Chat completions: OpenAI's whole request, each field of it honoured, ignored (and said so) or refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chat_service.schemas.completion_messages import Message, ToolCall
from chat_service.schemas.items import FunctionName
from chat_service.schemas.json_values import JsonObject, JsonText
from chat_service.schemas.strict import Strict

_NOT_SUPPORTED = "Not supported."
_IGNORED = "Ignored."


class FunctionDefinition(Strict):
    name: FunctionName
    description: JsonText | None = None
    parameters: JsonObject | None = Field(None, description="A JSON schema.")
    strict: bool | None = None


class FunctionTool(Strict):
    type: Literal["function"]
    function: FunctionDefinition


class CustomTool(BaseModel):
    """Not supported."""

    type: Literal["custom"]


class NamedFunction(Strict):
    name: FunctionName


class NamedFunctionChoice(Strict):
    type: Literal["function"]
    function: NamedFunction


class OtherChoice(BaseModel):
    """Not supported."""

    type: Literal["custom", "allowed_tools"]


class JsonSchema(Strict):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    name: FunctionName
    description: JsonText | None = None
    definition: JsonObject | None = Field(None, alias="schema")
    strict: bool | None = None


class TextFormat(Strict):
    type: Literal["text"]


class JsonObjectFormat(Strict):
    type: Literal["json_object"]


class JsonSchemaFormat(Strict):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class StreamOptions(Strict):
    include_usage: bool | None = Field(None, description="Adds a last chunk without choices and with `usage`.")
    include_obfuscation: bool | None = Field(None, description=_IGNORED)


AnyTool = Annotated[FunctionTool | CustomTool, Field(discriminator="type")]
ToolChoice = (
    Literal["none", "auto", "required"] | Annotated[NamedFunctionChoice | OtherChoice, Field(discriminator="type")]
)
ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]
Stop = Annotated[str, Field(min_length=1, max_length=500)]


class ChatCompletionRequest(Strict):
    """Stateless: nothing of it is kept but what it cost; unless it names a conversation, whose turn it is then."""

    model: str = Field(min_length=1, max_length=200, description="A name from `GET /v1/models`.")
    messages: list[Message] = Field(min_length=1)

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = Field(None, ge=1, description="Capped by the server.")
    max_tokens: int | None = Field(None, ge=1, description="The older name of `max_completion_tokens`.")
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    seed: int | None = Field(None, ge=-(2**53), le=2**53)
    tools: list[AnyTool] | None = Field(None, max_length=128)
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="The nearest of low, medium and high is taken."
    )

    n: int | None = Field(None, ge=1, description="Only 1.")
    modalities: list[Literal["text", "audio"]] | None = Field(None, description="Only text.")
    logprobs: bool | None = Field(None, description="Only false.")
    store: bool | None = Field(None, description="Only false; a response can be stored.")

    audio: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    function_call: Any = Field(None, description="Not supported; use `tool_choice`.")
    functions: list[Any] | None = Field(None, description="Not supported; use `tools`.")
    moderation: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    top_logprobs: int | None = Field(None, description=_NOT_SUPPORTED)
    web_search_options: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)

    metadata: dict[str, Any] | None = Field(
        None, description="`conversation_id` is the same as the header X-Conversation-Id; ignored without it."
    )
    parallel_tool_calls: bool | None = Field(None, description="Ignored; how many calls come is the model's choice.")
    prediction: dict[str, Any] | None = Field(None, description=_IGNORED)
    prompt_cache_key: str | None = Field(None, description=_IGNORED)
    prompt_cache_options: dict[str, Any] | None = Field(None, description=_IGNORED)
    prompt_cache_retention: str | None = Field(None, description=_IGNORED)
    safety_identifier: str | None = Field(None, description=_IGNORED)
    service_tier: str | None = Field(None, description=_IGNORED)
    user: str | None = Field(None, description="Ignored; calls are billed to whoever is signed in.")
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description=_IGNORED)


class PromptTokensDetails(BaseModel):
    cached_tokens: int


class CompletionTokensDetails(BaseModel):
    reasoning_tokens: int


class CompletionUsage(BaseModel):
    """As the provider counted; estimated where it did not."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class AnswerMessage(BaseModel):
    """`reasoning` stands under both names clients look for."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]


class ChatCompletion(BaseModel):
    """The whole answer. A stream sends the same as `chat.completion.chunk`s, and `[DONE]`."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = Field(description="The name that was asked for.")
    choices: list[Choice]
    usage: CompletionUsage
