"""What a request for a completion means to the model: what is refused, what is limited, how fields translate."""

from typing import Any

from chassis.problems import Unprocessable
from chat_service.clients.model import ModelCall
from chat_service.models import Choice
from chat_service.pictures import is_picture
from chat_service.problems import InputTooLong, UnsupportedParameter
from chat_service.schemas.completion_messages import (
    AssistantMessage,
    FunctionMessage,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
    ToolMessage,
    UserMessage,
)
from chat_service.schemas.completions import ChatCompletionRequest, FunctionTool, OtherChoice

UNSUPPORTED = ("audio", "function_call", "functions", "moderation", "top_logprobs", "web_search_options")
EFFORTS = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}
"""OpenAI knows more steps than the models here; the nearest is taken."""

ModelMessage = dict[str, Any]


def has_images(body: ChatCompletionRequest) -> bool:
    """Whether any message brings an image."""
    contents = (message.content for message in body.messages if isinstance(message, UserMessage))
    return any(isinstance(part, ImagePart) for content in contents if not isinstance(content, str) for part in content)


def model_call(
    body: ChatCompletionRequest, choice: Choice, *, max_output_tokens: int, max_characters: int
) -> ModelCall:
    """The call that the request asks for. Raises `UnsupportedParameter`, `InputTooLong` and `Unprocessable`."""
    refuse_unsupported(body)
    messages = [_message(index, message) for index, message in enumerate(body.messages)]
    if sum(len(text) for text in _texts_of(messages)) > max_characters:
        raise InputTooLong(f"The messages may have {max_characters} characters in all.", param="messages")
    mode, model = choice.mode, choice.model
    return ModelCall(
        model=model.id,
        messages=messages,
        max_tokens=model.output_tokens(body.max_completion_tokens or body.max_tokens, max_output_tokens),
        temperature=body.temperature if body.temperature is not None or mode is None else mode.temperature,
        top_p=body.top_p if body.top_p is not None or mode is None else mode.top_p,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        stop=[body.stop] if isinstance(body.stop, str) else body.stop or None,
        seed=body.seed,
        tools=[tool.model_dump(exclude_none=True) for tool in body.tools or ()] or None,
        tool_choice=_tool_choice(body),
        response_format=body.response_format.model_dump(exclude_none=True) if body.response_format else None,
        logit_bias=body.logit_bias or None,
        reasoning_effort=EFFORTS.get(body.reasoning_effort or "", body.reasoning_effort),
        thinking=model.thinking,
    )


def refuse_unsupported(body: ChatCompletionRequest) -> None:
    """Raises `UnsupportedParameter` for what is declared and not done here."""
    for name in UNSUPPORTED:
        if getattr(body, name) is not None:
            raise UnsupportedParameter(name)
    if (body.n or 1) > 1:
        raise UnsupportedParameter("n", "This server gives one choice a request.")
    if "audio" in (body.modalities or ()):
        raise UnsupportedParameter("modalities", "This server answers in text only.")
    for name in ("logprobs", "store"):
        if getattr(body, name):
            raise UnsupportedParameter(name)
    if isinstance(body.tool_choice, OtherChoice):
        raise UnsupportedParameter("tool_choice", "tool_choice names a function, or is none, auto or required.")
    for index, tool in enumerate(body.tools or ()):
        if not isinstance(tool, FunctionTool):
            raise UnsupportedParameter(f"tools.{index}", "Tools are functions here.")


def _texts_of(messages: list[ModelMessage]) -> list[str]:
    """Every text the model is given in its messages, calls of functions included; images are none."""
    texts = []
    for message in messages:
        content = message.get("content") or ""
        parts = [{"text": content}] if isinstance(content, str) else content
        texts += [part["text"] for part in parts if "text" in part]
        texts += [call["function"]["arguments"] for call in message.get("tool_calls", ())]
    return texts


def _tool_choice(body: ChatCompletionRequest) -> str | dict[str, Any] | None:
    choice = body.tool_choice
    return choice if choice is None or isinstance(choice, str) else choice.model_dump()


def _message(index: int, message: Message) -> ModelMessage:
    """Providers know no `developer`, and parts only in what the user says."""
    where = f"messages.{index}"
    if isinstance(message, FunctionMessage):
        raise UnsupportedParameter(where, "Messages of functions are not supported; use tools.")
    if isinstance(message, AssistantMessage):
        return _assistant_message(where, message)
    content = _content(f"{where}.content", message.content, images=isinstance(message, UserMessage))
    plain: ModelMessage = {"role": "system" if message.role == "developer" else message.role, "content": content}
    if message.name is not None:
        plain["name"] = message.name
    if isinstance(message, ToolMessage):
        plain["tool_call_id"] = message.tool_call_id
    return plain


def _assistant_message(where: str, message: AssistantMessage) -> ModelMessage:
    for name in ("audio", "function_call"):
        if getattr(message, name) is not None:
            raise UnsupportedParameter(f"{where}.{name}")
    content = message.content if message.content is not None else message.refusal
    if content is None and not message.tool_calls:
        raise Unprocessable("An assistant message has content or tool_calls.", param=f"{where}.content")
    plain: ModelMessage = {"role": "assistant", "content": content and _content(f"{where}.content", content)}
    if message.name is not None:
        plain["name"] = message.name
    if message.tool_calls:
        plain["tool_calls"] = [call.model_dump(exclude={"index"}) for call in message.tool_calls]
    return plain


def _content(where: str, content: str | list[Any], *, images: bool = False) -> str | list[dict[str, Any]]:
    """Text alone as one string, which every model takes; parts where there are images among them."""
    if isinstance(content, str):
        return content
    parts = [_part(f"{where}.{index}", part, images=images) for index, part in enumerate(content)]
    if any(part["type"] == "image_url" for part in parts):
        return parts
    return "\n".join(part["text"] for part in parts)


def _part(where: str, part: Any, *, images: bool) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case RefusalPart():
            return {"type": "text", "text": part.refusal}
        case ImagePart() if images:
            if not is_picture(part.image_url.url):
                raise UnsupportedParameter(
                    f"{where}.image_url", "An image is a data: URL of a PNG, JPEG, WebP or GIF; nothing is fetched."
                )
            return {"type": "image_url", "image_url": {"url": part.image_url.url}}
        case _:
            raise UnsupportedParameter(where, f"This server takes no {part.type} there.")
