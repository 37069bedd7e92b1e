"""What may go into a turn: messages of text and files, in all the forms OpenAI's clients write them."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_IGNORED = "Ignored."
_NOT_SUPPORTED = "Not supported."

OtherKind = Literal[
    "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction",
    "compaction_trigger", "computer_call", "computer_call_output", "configuration_update", "custom_tool_call",
    "custom_tool_call_output", "file_search_call", "function_call", "function_call_output",
    "image_generation_call", "local_shell_call", "local_shell_call_output",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "program", "program_output",
    "shell_call", "shell_call_output", "tool_search_call", "tool_search_output", "web_search_call",
]  # fmt: skip
OTHER_KINDS = frozenset(get_args(OtherKind))


# A bound on its length has pydantic look into a text, and refuse half a character; INPUT_MAX_CHARACTERS decides.
Text = Annotated[str, Field(max_length=10_000_000)]


class Strict(BaseModel):
    """Refuses fields that are not declared."""

    model_config = ConfigDict(extra="forbid")


class InputText(Strict):
    type: Literal["input_text"]
    text: Text
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description=_IGNORED)


class InputFile(Strict):
    """A file uploaded before. Its content cannot be given here, and the server fetches no URL."""

    type: Literal["input_file"]
    file_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    filename: str | None = Field(None, description="Ignored; the name it was uploaded with is used.")
    detail: Literal["auto", "low", "high"] | None = Field(None, description=_IGNORED)
    file_data: str | None = Field(None, description="Not supported; upload it with `POST /v1/files`.")
    file_url: str | None = Field(None, description="Not supported; upload it with `POST /v1/files`.")
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description=_IGNORED)


class OutputText(Strict):
    """Text of an earlier answer that a client sends along."""

    type: Literal["output_text"]
    text: Text
    annotations: list[Any] | None = Field(None, description=_IGNORED)
    logprobs: list[Any] | None = Field(None, description=_IGNORED)


class OtherPart(BaseModel):
    """Not supported."""

    type: Literal["input_image", "input_audio", "input_video", "refusal"]


def _form(content: Any) -> str:
    return "parts" if isinstance(content, list) else "text"


AnyPart = Annotated[InputText | InputFile | OutputText | OtherPart, Field(discriminator="type")]
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


class ItemReference(Strict):
    """Stands for a message of an earlier response, as if it were sent again."""

    type: Literal["item_reference"]
    id: Annotated[str, Field(max_length=64)]


class Thoughts(BaseModel):
    """What a model thought before an earlier answer. Ignored: no model is given thoughts again."""

    type: Literal["reasoning"]


class OtherItem(BaseModel):
    """Not supported."""

    type: OtherKind


def _kind(item: Any) -> str:
    kind = item.get("type") if isinstance(item, dict) else getattr(item, "type", None)
    if not isinstance(kind, str):
        return "message"
    return "other" if kind in OTHER_KINDS else kind if kind in ("item_reference", "reasoning") else "message"


AnyItem = Annotated[
    Annotated[InputMessage, Tag("message")]
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
    """An item as it is stored: a message in or out, or what a model thought before its answer."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: str
