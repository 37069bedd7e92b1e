"""What a request for a completion means as a turn of a conversation: the new messages, and what goes with them."""

from typing import Any

from pydantic import ValidationError

from chassis.problems import Unprocessable
from chat_service.completion_requests import refuse_unsupported
from chat_service.places import Told
from chat_service.problems import InputMissing, UnsupportedParameter
from chat_service.schemas.completion_messages import (
    AssistantMessage,
    DeveloperMessage,
    ImagePart,
    Message,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from chat_service.schemas.completions import ChatCompletionRequest, JsonSchemaFormat
from chat_service.schemas.responses import CreateResponse

NOT_IN_CONVERSATIONS = ("stop", "seed", "logit_bias", "presence_penalty", "frequency_penalty")
CONVERSATION = "conversation_id"


def conversation_named(header: str | None, body: ChatCompletionRequest) -> str | None:
    """The conversation that a request names, in its header or its metadata."""
    named = _as_written(header) if header else (body.metadata or {}).get(CONVERSATION)
    if named is not None and not (isinstance(named, str) and 0 < len(named) <= 255):
        raise Unprocessable("A conversation is named by 1 to 255 characters.", param=f"metadata.{CONVERSATION}")
    return named


def _as_written(header: str) -> str:
    """Headers are read as Latin-1, and clients write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def turn_of(body: ChatCompletionRequest, conversation_id: str | None) -> CreateResponse:
    """The same as a turn. Of the messages those after the last answer count; clients send the earlier ones along.

    Raises `UnsupportedParameter` and `Unprocessable`.
    """
    refuse_unsupported(body)
    for name in NOT_IN_CONVERSATIONS:
        if getattr(body, name):
            raise UnsupportedParameter(name, f"A turn of a conversation takes no {name}.")
    instructions = "\n\n".join(
        _text(message.content) for message in body.messages if isinstance(message, SystemMessage | DeveloperMessage)
    )
    asked: dict[str, Any] = {
        "model": body.model,
        "input": _new_items(body.messages),
        "conversation": conversation_id,
        "instructions": instructions or None,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "max_output_tokens": body.max_completion_tokens or body.max_tokens,
        "metadata": {key: value for key, value in (body.metadata or {}).items() if key != CONVERSATION} or None,
        "reasoning": {"effort": body.reasoning_effort} if body.reasoning_effort else None,
        "tools": [{"type": "function", **tool.function.model_dump()} for tool in body.tools or ()] or None,  # type: ignore[union-attr]
        "tool_choice": _tool_choice(body),
        "text": _text_config(body),
        "stream": True,  # a whole answer is read from the log as well: a repeat needs it to be there
    }
    try:
        return CreateResponse.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Unprocessable(f"{where}: {first['msg']}", param=where) from None


def told_of(messages: list[Message]) -> Told | None:
    """What the messages tell of the talk before the new ones; None when the last answer is a call of a function."""
    answers = [(index, message) for index, message in enumerate(messages) if isinstance(message, AssistantMessage)]
    if not answers:
        return Told(None, None, _said(messages))
    index, answer = answers[-1]
    before = answers[-2][0] + 1 if len(answers) > 1 else 0
    if not answer.content:
        return None
    return Told(_said(messages[before:index]), "\n\n".join(_texts(answer.content)).strip(), _said(messages[index:]))


def _said(messages: list[Message]) -> str:
    """What the user typed, joined as `inputs.user_text` joins it."""
    users = (message for message in messages if isinstance(message, UserMessage))
    return "\n\n".join(text for message in users for text in _texts(message.content)).strip()


def _texts(content: str | list[Any]) -> list[str]:
    return [content] if isinstance(content, str) else [part.text for part in content if isinstance(part, TextPart)]


def _new_items(messages: list[Message]) -> list[dict[str, Any]]:
    answered = [index for index, message in enumerate(messages) if isinstance(message, AssistantMessage)]
    new = messages[answered[-1] + 1 :] if answered else messages
    items = [_item(message) for message in new if not isinstance(message, SystemMessage | DeveloperMessage)]
    if not items:
        raise InputMissing("There is no new message of the user, and no result of a function.", param="messages")
    return items


def _item(message: Message) -> dict[str, Any]:
    if not isinstance(message, UserMessage | ToolMessage):
        raise UnsupportedParameter("messages", "Messages of functions are not supported; use tools.")
    if isinstance(message, ToolMessage):
        return {"type": "function_call_output", "call_id": message.tool_call_id, "output": _text(message.content)}
    if isinstance(message.content, str):
        return {"role": "user", "content": message.content}
    return {"role": "user", "content": [_part(part) for part in message.content]}


def _part(part: Any) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "input_text", "text": part.text}
        case ImagePart():
            return {"type": "input_image", "image_url": part.image_url.url}
        case _:
            raise UnsupportedParameter("messages", f"This server takes no {part.type} there.")


def _text(content: str | list[Any]) -> str:
    if isinstance(content, str):
        return content
    if not all(isinstance(part, TextPart) for part in content):
        raise UnsupportedParameter("messages", "Only what the user says may hold more than text.")
    return "\n".join(part.text for part in content)


def _tool_choice(body: ChatCompletionRequest) -> Any:
    choice = body.tool_choice
    if choice is None or isinstance(choice, str):
        return choice
    return {"type": "function", "name": choice.function.name}  # type: ignore[union-attr]


def _text_config(body: ChatCompletionRequest) -> dict[str, Any] | None:
    if body.response_format is None:
        return None
    if isinstance(body.response_format, JsonSchemaFormat):
        asked = body.response_format.json_schema.model_dump(exclude_none=True)
        return {"format": {"type": "json_schema", "schema": {}, **asked}}
    return {"format": {"type": body.response_format.type}}
