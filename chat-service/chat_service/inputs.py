"""What a request asks for, read: fields this server cannot honour are refused, the input becomes items."""

from typing import Any

from chassis.ids import new_id
from chat_service.problems import ConflictingParameters, InputTooLong, UnsupportedParameter
from chat_service.schemas.items import (
    InputFile,
    InputMessage,
    InputText,
    ItemReference,
    OtherItem,
    OtherPart,
    OutputText,
    Thoughts,
)
from chat_service.schemas.responses import ConversationRef, CreateResponse, OtherFormat
from chat_service.stores.items import Item

NEVER = (
    "access_programs",
    "background_options",
    "context_management",
    "image",
    "moderation",
    "prompt",
    "reasoning",
)
REPEATED = (
    "instructions",
    "metadata",
    "temperature",
    "top_p",
    "max_output_tokens",
    "previous_response_id",
    "background",
)
"""The parameters that a response repeats."""


def refuse_unsupported(asked: CreateResponse) -> None:
    """Raises `UnsupportedParameter` for what is declared and not done here."""
    for name in NEVER:
        if getattr(asked, name):
            raise UnsupportedParameter(name)
    if asked.text and isinstance(asked.text.format, OtherFormat):
        raise UnsupportedParameter("text.format")
    if asked.tools:
        raise UnsupportedParameter("tools")
    if asked.tool_choice not in (None, "auto", "none"):
        raise UnsupportedParameter("tool_choice")
    if asked.top_logprobs:
        raise UnsupportedParameter("top_logprobs")
    if asked.conversation and asked.previous_response_id:
        raise ConflictingParameters(param="previous_response_id")
    if asked.background and asked.store is False:
        raise ConflictingParameters("A response in the background has to be stored.", param="background")


def items_of(asked: CreateResponse, max_characters: int) -> list[Item]:
    """The input as items, each with an id; references as they are. Raises `UnsupportedParameter`, `InputTooLong`."""
    messages = [InputMessage(role="user", content=asked.input)] if isinstance(asked.input, str) else asked.input
    items = [_item(message) for message in messages if not isinstance(message, Thoughts)]
    if not any(item.get("role") == "user" for item in items):
        raise UnsupportedParameter("input", "The input has to hold a message of the user.")
    refuse_too_long(items, max_characters)
    return items


def refuse_too_long(items: list[Item], max_characters: int) -> None:
    """Raises `InputTooLong`."""
    if sum(len(text) for item in items for text in texts_of(item)) > max_characters:
        raise InputTooLong(param="input")


def _item(message: InputMessage | ItemReference | OtherItem) -> Item:
    if isinstance(message, ItemReference):
        return {"id": message.id, "type": message.type}
    if isinstance(message, OtherItem):
        raise UnsupportedParameter("input", f"This server does not support {message.type} items.")
    parts = (
        [InputText(type="input_text", text=message.content)] if isinstance(message.content, str) else message.content
    )
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": message.role,
        "status": "completed",
        "content": [_part(part, message.role) for part in parts],
    }


def _part(part: InputText | OutputText | InputFile | OtherPart, role: str) -> dict[str, Any]:
    if isinstance(part, OtherPart):
        raise UnsupportedParameter("input", f"This server does not support {part.type}.")
    if isinstance(part, InputFile):
        if not part.file_id or part.file_data or part.file_url or role != "user":
            raise UnsupportedParameter("input", "A file is named by its `file_id`, in a message of the user.")
        return {"type": "input_file", "file_id": part.file_id}
    if role == "assistant":
        return {"type": "output_text", "text": part.text, "annotations": [], "logprobs": []}
    return {"type": "input_text", "text": part.text}


def texts_of(item: Item) -> list[str]:
    """The texts of a message that were said, not thought."""
    if item["type"] != "message":
        return []
    return [part["text"] for part in item["content"] if part["type"] in ("input_text", "output_text")]


def user_text(items: list[Item]) -> str:
    """What the user typed, nothing else."""
    return "\n\n".join(text for item in items if item.get("role") == "user" for text in texts_of(item))


def assistant_text(output: list[Item]) -> str:
    """What the model said, without what it thought."""
    return "\n\n".join(text for item in output for text in texts_of(item))


def file_ids(items: list[Item]) -> list[str]:
    """The files that the input names, each once."""
    named = (part["file_id"] for item in items for part in item["content"] if part["type"] == "input_file")
    return list(dict.fromkeys(named))


def repeated(asked: CreateResponse) -> dict[str, Any]:
    """The parameters that the response repeats, as JSON."""
    return {name: value for name in REPEATED if (value := getattr(asked, name)) is not None}


def conversation_id(asked: CreateResponse) -> str | None:
    """The conversation it names, in either form."""
    return asked.conversation.id if isinstance(asked.conversation, ConversationRef) else asked.conversation
