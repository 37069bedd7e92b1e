"""Responses: the whole of OpenAI's request, of which every field is honoured, ignored as documented or refused."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chat_service.schemas.items import FunctionName, Input
from chat_service.schemas.json_values import JsonObject, JsonText
from chat_service.schemas.metadata import Metadata
from chat_service.schemas.strict import Strict

_NOT_SUPPORTED = "Not supported."
_IGNORED = "Ignored."

OtherToolKind = Literal[
    "apply_patch", "code_interpreter", "computer", "computer_use", "computer_use_preview", "custom", "file_search",
    "image_generation", "local_shell", "mcp", "namespace", "programmatic_tool_calling", "shell", "tool_search",
    "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
]  # fmt: skip
OTHER_TOOLS = frozenset(get_args(OtherToolKind))

ConversationId = Annotated[str, Field(min_length=1, max_length=64)]
ResponseId = Annotated[str, Field(min_length=1, max_length=64)]


class ConversationRef(Strict):
    id: ConversationId


class TextFormat(Strict):
    type: Literal["text"]


class JsonObjectFormat(Strict):
    type: Literal["json_object"]


class JsonSchemaFormat(Strict):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    type: Literal["json_schema"]
    name: FunctionName
    definition: JsonObject = Field(alias="schema")
    description: JsonText | None = None
    strict: bool | None = None


class TextConfig(Strict):
    format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = None
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description=_IGNORED)


class FunctionTool(Strict):
    """A function of the client's, which the model may ask it to call."""

    type: Literal["function"]
    name: FunctionName
    description: JsonText | None = None
    parameters: JsonObject | None = Field(None, description="A JSON schema.")
    strict: bool | None = None
    allowed_callers: list[str] | None = Field(None, description=_IGNORED)
    defer_loading: bool | None = Field(None, description=_IGNORED)
    output_schema: JsonObject | None = Field(None, description=_IGNORED)


class OtherTool(BaseModel):
    """Not supported: tools are functions of the client's here."""

    type: OtherToolKind


def _tool_kind(tool: Any) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    return "other" if isinstance(kind, str) and kind in OTHER_TOOLS else "function"


class NamedFunctionChoice(Strict):
    type: Literal["function"]
    name: FunctionName


class OtherChoice(BaseModel):
    """Not supported."""

    type: OtherToolKind | Literal["allowed_tools"]


class Reasoning(Strict):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="The nearest of low, medium and high is taken."
    )
    summary: Literal["auto", "concise", "detailed"] | None = Field(
        None, description="Ignored; reasoning is given as the model writes it."
    )
    generate_summary: Literal["auto", "concise", "detailed"] | None = Field(None, description=_IGNORED)
    context: Literal["auto", "current_turn", "all_turns"] | None = Field(
        None, description="Ignored; no model is given its thoughts again."
    )
    mode: str | None = Field(None, description=_IGNORED)


class StreamOptions(Strict):
    include_obfuscation: bool | None = Field(None, description="Ignored; deltas carry no padding.")


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("function")] | Annotated[OtherTool, Tag("other")], Discriminator(_tool_kind)
]
ToolChoice = (
    Literal["none", "auto", "required"] | Annotated[NamedFunctionChoice | OtherChoice, Field(discriminator="type")]
)


class CreateResponse(Strict):
    """A turn. Names the conversation it belongs to, or the response it follows, or opens a conversation."""

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="A name from `GET /v1/models`. Without: the conversation's, or the user's default mode."
    )
    input: Input | None = Field(
        None, description="The user's text, or items: a message of the user's or a result of a function among them."
    )

    conversation: ConversationId | ConversationRef | None = Field(None, description="Appends to its active branch.")
    previous_response_id: ResponseId | None = Field(
        None, description="Branches: goes on from that response. Not together with `conversation`."
    )
    replaces: ResponseId | None = Field(
        None,
        description="Ours: another turn in the place of that one, beside it in the tree; without `input` what went into"
        " that one is asked again. Not together with `conversation` or `previous_response_id`.",
    )
    stream: bool | None = None
    store: bool | None = Field(
        None, description="False keeps nothing: no memory, no conversation of its own; leaving stops the call."
    )
    background: bool | None = Field(None, description="True answers at once; the response is made all the same.")
    instructions: str | None = Field(
        None, max_length=100_000, description="A system message for this turn only, instead of the conversation's."
    )
    metadata: Metadata | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_output_tokens: int | None = Field(None, ge=1, le=2**53, description="Capped by the server.")

    text: TextConfig | None = None
    tools: list[AnyTool] | None = Field(None, max_length=128, description="Functions of the client's.")
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = Field(None, description="Ignored; how many calls come is the model's choice.")
    reasoning: Reasoning | None = None
    top_logprobs: int | None = Field(None, description="Only 0.")

    access_programs: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    background_options: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    context_management: list[dict[str, Any]] | None = Field(None, description=_NOT_SUPPORTED)
    image: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    moderation: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)
    prompt: dict[str, Any] | None = Field(None, description=_NOT_SUPPORTED)

    include: list[str] | None = Field(None, description="Ignored; nothing that it can name exists here.")
    max_tool_calls: int | None = Field(None, description=_IGNORED)
    prompt_cache_key: str | None = Field(None, description=_IGNORED)
    prompt_cache_options: dict[str, Any] | None = Field(None, description=_IGNORED)
    prompt_cache_retention: str | None = Field(None, description=_IGNORED)
    safety_identifier: str | None = Field(None, description=_IGNORED)
    service_tier: str | None = Field(None, description=_IGNORED)
    stream_options: StreamOptions | None = None
    truncation: Literal["auto", "disabled"] | None = Field(None, description="Ignored; the context is always fitted.")
    user: str | None = Field(None, description="Ignored; turns are billed to whoever is signed in.")
