"""The messages of a completion, in all the forms OpenAI's clients write them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from chat_service.schemas.strict import Strict


class TextPart(Strict):
    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description="Ignored.")


class RefusalPart(Strict):
    """What an assistant once refused with; passed on as text."""

    type: Literal["refusal"]
    refusal: str


class ImageUrl(Strict):
    url: str = Field(description="A `data:` URL of a PNG, JPEG, WebP or GIF; the server fetches nothing.")
    detail: Literal["auto", "low", "high", "original"] | None = Field(None, description="Ignored.")


class ImagePart(Strict):
    type: Literal["image_url"]
    image_url: ImageUrl
    prompt_cache_breakpoint: dict[str, Any] | None = Field(None, description="Ignored.")


class AudioPart(BaseModel):
    """Not supported."""

    type: Literal["input_audio"]


class FilePart(BaseModel):
    """Not supported here; a response takes files."""

    type: Literal["file"]


def _form(content: Any) -> str:
    return "parts" if isinstance(content, list) else "text"


AnyPart = Annotated[
    TextPart | ImagePart | RefusalPart | AudioPart | FilePart,
    Field(discriminator="type"),
]
Content = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[AnyPart], Field(min_length=1), Tag("parts")],
    Discriminator(_form),
]


class SystemMessage(Strict):
    role: Literal["system"]
    content: Content
    name: str | None = None


class DeveloperMessage(Strict):
    """The same as a system message: the models here know no difference."""

    role: Literal["developer"]
    content: Content
    name: str | None = None


class UserMessage(Strict):
    role: Literal["user"]
    content: Content
    name: str | None = None


class CalledFunction(Strict):
    name: str
    arguments: str


class ToolCall(Strict):
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
    index: int | None = Field(None, description="Ignored; clients that put a streamed call together leave it in.")


class AssistantMessage(Strict):
    """An earlier answer. Whatever an answer of ours holds may come back in it."""

    role: Literal["assistant"]
    content: Content | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = Field(None, description="Passed on as text where there is no content.")
    reasoning: str | None = Field(None, description="Ignored: a model does not get to see its earlier thoughts.")
    reasoning_content: str | None = Field(None, description="Ignored, like `reasoning`.")
    annotations: list[Any] | None = Field(None, description="Ignored.")
    audio: dict[str, Any] | None = Field(None, description="Not supported.")
    function_call: dict[str, Any] | None = Field(None, description="Not supported; use `tool_calls`.")


class ToolMessage(Strict):
    role: Literal["tool"]
    content: Content
    tool_call_id: str
    name: str | None = None


class FunctionMessage(BaseModel):
    """Not supported; use `tool`."""

    role: Literal["function"]


Message = Annotated[
    SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage,
    Field(discriminator="role"),
]
