"""What a request may say: the parts of Together's schemas this server acts on; the rest is ignored."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dev.offline_llm.errors import InvalidRequest

Body = TypeVar("Body", bound=BaseModel)


class ImageUrl(BaseModel):
    """A data: URL; anything else would need a network."""

    url: str


class Part(BaseModel):
    """One piece of a message's content."""

    type: str
    text: str | None = None
    image_url: ImageUrl | None = None


class Message(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """All of its text, parts on their own paragraphs."""
        return "\n\n".join(self.texts)

    @property
    def texts(self) -> list[str]:
        """Its text parts."""
        if isinstance(self.content, str):
            return [self.content]
        return [part.text for part in self.content or [] if part.text]

    @property
    def image_urls(self) -> list[str]:
        """The URLs of its images."""
        return [part.image_url.url for part in self.content or [] if isinstance(part, Part) and part.image_url]


class Function(BaseModel):
    """A function the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class Tool(BaseModel):
    """A tool; Together knows functions only."""

    type: Literal["function"] = "function"
    function: Function


class NamedFunction(BaseModel):
    """The function a tool_choice insists on."""

    name: str


class NamedTool(BaseModel):
    """tool_choice as an object."""

    type: Literal["function"] = "function"
    function: NamedFunction


class JsonSchema(BaseModel):
    """A named schema to answer in."""

    name: str = "answer"
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """Text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(BaseModel):
    """Whether usage comes on a chunk of its own."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """POST /v1/chat/completions. Sampling settings change nothing: the same messages, the same answer."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    stop: str | list[str] | None = None
    n: int | None = Field(None, ge=1)
    tools: list[Tool] = []
    tool_choice: str | NamedTool | None = None
    response_format: ResponseFormat | None = None
    context_length_exceeded_behavior: Literal["truncate", "error"] = "error"

    @property
    def most_tokens(self) -> int | None:
        """The limit on the answer, by either name."""
        return self.max_tokens or self.max_completion_tokens

    @property
    def stops(self) -> list[str]:
        """The texts an answer ends before."""
        return [self.stop] if isinstance(self.stop, str) else [text for text in self.stop or [] if text]

    @property
    def wants_json(self) -> bool:
        """Whether the content has to be JSON."""
        return self.response_format is not None and self.response_format.type != "text"

    @property
    def question(self) -> str:
        """The last user message, whole."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")


class EmbeddingRequest(BaseModel):
    """POST /v1/embeddings."""

    model: str
    input: str | list[str]

    @property
    def texts(self) -> list[str]:
        """What to embed, as a list."""
        return [self.input] if isinstance(self.input, str) else self.input


def parsed(kind: type[Body], document: Any) -> Body:
    """The document as a request, or the refusal that names what is wrong."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InvalidRequest(f"Input validation error: {where}: {first['msg']}", where or None) from None
