"""What may go into a turn: messages, calls of functions, their results, in all the forms OpenAI's clients write."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chat_service.schemas.strict import Strict

_IGNORED = "Ignored."
_NOT_SUPPORTED = "Not supported."

OtherKind = Literal[
    "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction",
    "compaction_trigger", "computer_call", "computer_call_output", "configuration_update", "custom_tool_call",
    "custom_tool_call_output", "file_search_call", "image_generation_call", "local_shell_call",
    "local_shell_call_output", "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools",
    "program", "program_output", "shell_call", "shell_call_output", "tool_search_call", "tool_search_output",
    "web_search_call",
]  # fmt: skip
OTHER_KINDS = frozenset(get_args(OtherKind))
KINDS = ("function_call", "function_call_output", "item_reference", "reasoning")


# A bound on its length has pydantic look into a text, and refuse half a character; INPUT_MAX_CHARACTERS decides.
Text = Annotated[str, Field(max_length=10_000_000)]


FileId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CallId = Annotated[str, Field(min_length=1, max_length=64)]
FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class InputText(Strict):
    type: Literal["input_text"]
    text: Text
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description=_IGNORED)


class InputFile(Strict):
    """A file uploaded before. Its content cannot be given here, and the server fetches no URL."""

    type: Literal["input_file"]
    file_id: FileId | None = None
    filename: str | None = Field(None, description="Ignored; the name it was uploaded with is used.")
    detail: Literal["auto", "low", "high"] | None = Field(None, description=_IGNORED)
    file_data: str | None = Field(None, description="Not supported; upload it with `POST /v1/files`.")
    file_url: str | None = Field(None, description="Not supported; upload it with `POST /v1/files`.")
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description=_IGNORED)


class InputImage(Strict):
    """A picture: a file uploaded before, or a `data:` URL. The server fetches nothing."""

    type: Literal["input_image"]
    file_id: FileId | None = None
    image_url: str | None = Field(None, description="A `data:` URL of a PNG, JPEG, WebP or GIF.")
    detail: Literal["auto", "low", "high", "original"] | None = Field(None, description=_IGNORED)
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description=_IGNORED)


class OutputText(Strict):
    """Text of an earlier answer that a client sends along."""

    type: Literal["output_text"]
    text: Text
    annotations: list[Any] | None = Field(None, description=_IGNORED)
    logprobs: list[Any] | None = Field(None, description=_IGNORED)


class RefusalPart(Strict):
    """What an assistant once refused with; taken as text."""

    type: Literal["refusal"]
    refusal: Text


class OtherPart(BaseModel):
    """Not supported."""

    type: Literal["input_audio", "input_video"]


def _form(content: Any) -> str:
    return "parts" if isinstance(content, list) else "text"


AnyPart = Annotated[
    InputText | InputFile | InputImage | OutputText | RefusalPart | OtherPart, Field(discriminator="type")
]
Content = Annotated[
    Annotated[str, Field(min_length=1), Tag("text")] | Annotated[list[AnyPart], Field(min_length=1), Tag("parts")],
    Discriminator(_form),
]


class InputMessage(Strict):
    """`developer` is the same as `system`: the models here know no difference."""

    type: Literal["message"] | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: Content
    id: str | None = Field(None, description="Ignored; items get ids of the server.")
    status: str | None = Field(None, description=_IGNORED)
    phase: str | None = Field(None, description=_IGNORED)


class FunctionCall(Strict):
    """A call that a model made before; clients that keep the history themselves send it along."""

    type: Literal["function_call"]
    call_id: CallId
    name: Annotated[str, Field(min_length=1, max_length=64)]
    arguments: Text
    id: str | None = Field(None, description="Ignored; items get ids of the server.")
    status: str | None = Field(None, description=_IGNORED)
    namespace: str | None = Field(None, description=_IGNORED)
    caller: dict[str, Any] | None = Field(None, description=_IGNORED)


class FunctionCallOutput(Strict):
    """What the client's function returned, for a call in the same input or in the response before."""

    type: Literal["function_call_output"]
    call_id: CallId
    output: Text | Annotated[list[InputText], Field(max_length=100)]
    id: str | None = Field(None, description="Ignored; items get ids of the server.")
    status: str | None = Field(None, description=_IGNORED)
    name: str | None = Field(None, description=_IGNORED)
    namespace: str | None = Field(None, description=_IGNORED)
    caller: dict[str, Any] | None = Field(None, description=_IGNORED)


class ItemReference(Strict):
    """Stands for an item of an earlier response, as if it were sent again."""

    type: Literal["item_reference"] | None = None
    id: Annotated[str, Field(max_length=64)]


class Thoughts(BaseModel):
    """What a model thought before an earlier answer. Ignored: no model is given thoughts again."""

    type: Literal["reasoning"]


class OtherItem(BaseModel):
    """Not supported."""

    type: OtherKind


def _kind(item: Any) -> str:
    kind = item.get("type") if isinstance(item, dict) else getattr(item, "type", None)
    if isinstance(kind, str):
        return "other" if kind in OTHER_KINDS else kind if kind in KINDS else "message"
    return "item_reference" if _only_has_an_id(item) else "message"


def _only_has_an_id(item: Any) -> bool:
    return "id" in item and "role" not in item if isinstance(item, dict) else isinstance(item, ItemReference)


AnyItem = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[FunctionCall, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[ItemReference, Tag("item_reference")]
    | Annotated[Thoughts, Tag("reasoning")]
    | Annotated[OtherItem, Tag("other")],
    Discriminator(_kind),
]
Input = Annotated[
    Annotated[str, Field(min_length=1), Tag("text")]
    | Annotated[list[AnyItem], Field(min_length=1, max_length=1000), Tag("parts")],
    Discriminator(_form),
]


class ItemEntry(BaseModel):
    """An item as it is stored: a message in or out, a call of a function or its result, or what a model thought."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
