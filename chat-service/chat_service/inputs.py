"""What a request asks for, read: fields this server cannot honour are refused, the input becomes items."""

from collections.abc import Iterable
from typing import Any

from chassis.ids import new_id
from chat_service.pictures import is_picture
from chat_service.problems import ConflictingParameters, InputMissing, InputTooLong, UnsupportedParameter
from chat_service.schemas.items import (
    AnyItem,
    FunctionCall,
    FunctionCallOutput,
    InputFile,
    InputImage,
    InputMessage,
    InputText,
    ItemReference,
    OtherItem,
    OtherPart,
    OutputText,
    RefusalPart,
    Thoughts,
)
from chat_service.schemas.responses import ConversationRef, CreateResponse, FunctionTool, OtherChoice
from chat_service.stores.items import Item

NEVER = (
    "access_programs",
    "background_options",
    "context_management",
    "image",
    "moderation",
    "prompt",
)
ECHOED = (
    "instructions",
    "metadata",
    "temperature",
    "top_p",
    "max_output_tokens",
    "previous_response_id",
    "replaces",
    "background",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
)
"""The parameters that a response tells again."""

MOST_PICTURE_CHARACTERS = 20_000_000
"""Of the `data:` URLs of one turn: more than a request brings, so only references to earlier pictures come to it."""

Part = InputText | InputFile | InputImage | OutputText | RefusalPart | OtherPart


def refuse_unsupported(asked: CreateResponse) -> None:
    """Raises `UnsupportedParameter` for what is declared and not done here, `ConflictingParameters`."""
    for name in NEVER:
        if getattr(asked, name):
            raise UnsupportedParameter(name)
    for index, tool in enumerate(asked.tools or ()):
        if not isinstance(tool, FunctionTool):
            raise UnsupportedParameter(f"tools.{index}", "Tools are functions of the client's here.")
    if isinstance(asked.tool_choice, OtherChoice):
        raise UnsupportedParameter("tool_choice", "tool_choice names a function, or is none, auto or required.")
    if asked.top_logprobs:
        raise UnsupportedParameter("top_logprobs")
    places = [name for name in ("conversation", "previous_response_id", "replaces") if getattr(asked, name)]
    if len(places) > 1:
        raise ConflictingParameters(f"{places[0]} and {places[1]} exclude each other.", param=places[1])
    if asked.background and asked.store is False:
        raise ConflictingParameters("A response in the background has to be stored.", param="background")


def items_of(asked: CreateResponse, max_characters: int) -> list[Item]:
    """The input as items, each with an id; references as they are.

    Raises `InputMissing`, `InputTooLong`, `UnsupportedParameter`.

    No items when there is no input, which is right for a turn that takes again what went into the one it replaces.
    """
    if asked.input is None:
        if asked.replaces:
            return []
        raise InputMissing()
    messages = [InputMessage(role="user", content=asked.input)] if isinstance(asked.input, str) else asked.input
    items = read_items(messages)
    if not any(asks(item) or item["type"] == "item_reference" for item in items):
        raise InputMissing("The input has to hold a message of the user, or what a function returned.")
    refuse_too_long(items, max_characters)
    return items


def read_items(given: Iterable[AnyItem]) -> list[Item]:
    """Items as they are stored, each with an id; references as they are, thoughts passed over.

    Raises `UnsupportedParameter`.
    """
    return [_item(item) for item in given if not isinstance(item, Thoughts)]


def refuse_too_long(items: list[Item], max_characters: int) -> None:
    """Raises `InputTooLong`."""
    room = Room(max_characters)
    for item in items:
        room.take(item)


class Room:
    """What one turn may still take in."""

    def __init__(self, max_characters: int) -> None:
        self._characters = max_characters
        self._picture_characters = MOST_PICTURE_CHARACTERS

    def take(self, item: Item) -> None:
        """Raises `InputTooLong`."""
        self._characters -= sum(map(len, _everything_in(item)))
        self._picture_characters -= sum(len(part.get("image_url") or "") for part in item.get("content", ()))
        if self._characters < 0 or self._picture_characters < 0:
            raise InputTooLong(param="input")


def asks(item: Item) -> bool:
    """Whether there is something in it to answer."""
    return item.get("role") == "user" or item["type"] == "function_call_output"


def _item(given: InputMessage | FunctionCall | FunctionCallOutput | ItemReference | OtherItem) -> Item:
    match given:
        case ItemReference():
            return {"id": given.id, "type": "item_reference"}
        case OtherItem():
            raise UnsupportedParameter("input", f"This server does not support {given.type} items.")
        case FunctionCall():
            called = {"call_id": given.call_id, "name": given.name, "arguments": given.arguments}
            return {"id": new_id("fc"), "type": "function_call", "status": "completed", **called}
        case FunctionCallOutput():
            output = given.output if isinstance(given.output, str) else "\n".join(part.text for part in given.output)
            returned = {"call_id": given.call_id, "output": output}
            return {"id": new_id("fco"), "type": "function_call_output", "status": "completed", **returned}
        case _:
            return message_item(given)


def message_item(message: InputMessage) -> Item:
    """A message as an item with an id of ours. Raises `UnsupportedParameter`."""
    parts: list[Any] = (
        [InputText(type="input_text", text=message.content)] if isinstance(message.content, str) else message.content
    )
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": message.role,
        "status": "completed",
        "content": [_part(part, message.role) for part in parts],
    }


def _part(part: Part, role: str) -> dict[str, Any]:
    match part:
        case InputFile():
            if not part.file_id or part.file_data or part.file_url or role != "user":
                raise UnsupportedParameter("input", "A file is named by its `file_id`, in a message of the user.")
            return {"type": "input_file", "file_id": part.file_id}
        case InputImage():
            return _image(part, role)
        case OtherPart():
            raise UnsupportedParameter("input", f"This server does not support {part.type}.")
        case _:
            text = part.refusal if isinstance(part, RefusalPart) else part.text
            if role == "assistant":
                return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
            return {"type": "input_text", "text": text}


def _image(part: InputImage, role: str) -> dict[str, Any]:
    if role != "user" or bool(part.file_id) == bool(part.image_url):
        raise UnsupportedParameter(
            "input", "An image is named by its `file_id` or is a `data:` URL, in a message of the user."
        )
    if part.file_id:
        return {"type": "input_image", "detail": "auto", "file_id": part.file_id}
    if not is_picture(part.image_url or ""):
        raise UnsupportedParameter(
            "input", "An image is a data: URL of a PNG, JPEG, WebP or GIF; the server fetches nothing."
        )
    return {"type": "input_image", "detail": "auto", "image_url": part.image_url}


def texts_of(item: Item) -> list[str]:
    """The texts of a message that were said, not thought."""
    if item["type"] != "message":
        return []
    return [part["text"] for part in item["content"] if part["type"] in ("input_text", "output_text")]


def _everything_in(item: Item) -> list[str]:
    return [*texts_of(item), item.get("arguments", ""), item.get("output", "")]


def user_text(items: list[Item]) -> str:
    """What the user typed, nothing else."""
    return "\n\n".join(text for item in items if item.get("role") == "user" for text in texts_of(item))


def assistant_text(output: list[Item]) -> str:
    """What the model said, without what it thought or called."""
    return "\n\n".join(text for item in output for text in texts_of(item))


def parts_of(items: list[Item], kind: str) -> list[dict[str, Any]]:
    """The parts of that type in all messages."""
    return [part for item in items for part in item.get("content", ()) if part["type"] == kind]


def file_ids(items: list[Item]) -> list[str]:
    """The files that the input names, as documents or images, each once."""
    named = (part.get("file_id") for kind in ("input_file", "input_image") for part in parts_of(items, kind))
    return list(dict.fromkeys(file_id for file_id in named if file_id))


def has_images(items: list[Item]) -> bool:
    """Whether there is something to look at."""
    return bool(parts_of(items, "input_image"))


def calls_in(items: list[Item]) -> set[str]:
    """Ids of the calls of functions."""
    return {item["call_id"] for item in items if item["type"] == "function_call"}


def answers_calls_of_others(items: list[Item]) -> set[str]:
    """Ids of the calls whose results are brought, while the calls themselves stand in an earlier response."""
    known: set[str] = set()
    foreign: set[str] = set()
    for item in items:
        if item["type"] == "function_call":
            known.add(item["call_id"])
        elif item["type"] == "function_call_output" and item["call_id"] not in known:
            foreign.add(item["call_id"])
    return foreign


def echoed(asked: CreateResponse) -> dict[str, Any]:
    """The parameters that the response tells again, as JSON."""
    return asked.model_dump(mode="json", include=set(ECHOED), exclude_none=True, by_alias=True)


def conversation_id(asked: CreateResponse) -> str | None:
    """The conversation it names, in either form."""
    return asked.conversation.id if isinstance(asked.conversation, ConversationRef) else asked.conversation
