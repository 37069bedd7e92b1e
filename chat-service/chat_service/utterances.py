"""What an answer is made of while it grows: each output item in the making, and the events that tell of it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from chassis.ids import new_id
from chat_service.stores.items import Item

Event = tuple[str, dict[str, Any]]


class Utterance(Protocol):
    """One output item in the making. Pieces that wait are told together, as one delta."""

    id: str
    index: int
    unsent: list[str]
    pieces: list[str]
    delta_head: bytes
    """A delta's fields behind its number, up to the text itself, which is the last of them."""
    delta_event: str

    def begun(self) -> list[Event]:
        """The events that open it."""
        ...

    def ended(self, status: str) -> tuple[list[Event], Item]:
        """The events that close it, `completed` or `incomplete`, and the item as it is stored."""
        ...


@dataclass(frozen=True)
class Voice:
    """What the model says, or what it thinks: each is an item of its own with one part."""

    item: str
    prefix: str
    part: str

    @property
    def event(self) -> str:
        """What its events begin with."""
        return f"response.{self.part}"

    @property
    def extra(self) -> dict[str, Any]:
        """What the SDKs insist on in its events."""
        return {"logprobs": []} if self is SPEECH else {}


SPEECH = Voice(item="message", prefix="msg", part="output_text")
THOUGHT = Voice(item="reasoning", prefix="rs", part="reasoning_text")
CALL_EVENT = "response.function_call_arguments"


@dataclass
class Words:
    """A message or a thought."""

    voice: Voice
    index: int
    id: str
    unsent: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.delta_event = f"{self.voice.event}.delta"
        self.delta_head = _head(self._where | self.voice.extra)

    @property
    def _where(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index, "content_index": 0}

    def begun(self) -> list[Event]:
        """An item, and its one part."""
        return [
            ("response.output_item.added", {"output_index": self.index, "item": self._item("in_progress", [])}),
            ("response.content_part.added", {**self._where, "part": self._part("")}),
        ]

    def ended(self, status: str) -> tuple[list[Event], Item]:
        """The text, the part and the item, whole."""
        text = "".join(self.pieces)
        part = self._part(text)
        item = self._item(status, [part])
        events = [
            (f"{self.voice.event}.done", {**self._where, "text": text, **self.voice.extra}),
            ("response.content_part.done", {**self._where, "part": part}),
            ("response.output_item.done", {"output_index": self.index, "item": item}),
        ]
        return events, item

    def _part(self, text: str) -> Item:
        if self.voice is SPEECH:
            return {"type": SPEECH.part, "text": text, "annotations": [], "logprobs": []}
        return {"type": self.voice.part, "text": text}

    def _item(self, status: str, parts: list[Item]) -> Item:
        item = {"id": self.id, "type": self.voice.item, "status": status, "content": parts}
        return {**item, "role": "assistant"} if self.voice is SPEECH else {**item, "summary": []}


@dataclass
class Call:
    """A function that the client is asked to call; its pieces are those of the arguments."""

    index: int
    call_id: str
    name: str
    id: str = field(default_factory=lambda: new_id("fc"))
    unsent: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.delta_event = f"{CALL_EVENT}.delta"
        self.delta_head = _head(self._where)

    @property
    def _where(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index}

    def begun(self) -> list[Event]:
        """An item without arguments."""
        return [("response.output_item.added", {"output_index": self.index, "item": self._item("in_progress", "")})]

    def ended(self, status: str) -> tuple[list[Event], Item]:
        """The arguments and the item, whole."""
        arguments = "".join(self.pieces)
        item = self._item(status, arguments)
        events = [
            (f"{CALL_EVENT}.done", {**self._where, "name": self.name, "arguments": arguments}),
            ("response.output_item.done", {"output_index": self.index, "item": item}),
        ]
        return events, item

    def _item(self, status: str, arguments: str) -> Item:
        called = {"call_id": self.call_id, "name": self.name, "arguments": arguments}
        return {"id": self.id, "type": "function_call", "status": status, **called}


def resumed(index: int, item: Item) -> Utterance:
    """An utterance whose opening events were told before."""
    if item["type"] == "function_call":
        return Call(index, item["call_id"], item["name"], item["id"])
    return Words(SPEECH if item["type"] == SPEECH.item else THOUGHT, index, item["id"])


def _head(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields)[1:-1] + b',"delta":'
