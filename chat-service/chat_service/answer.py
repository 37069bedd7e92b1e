"""A growing answer: what the model has said so far, as output items and as the events that tell of them."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from chassis.ids import new_id
from chat_service.schemas.responses import ResponseObject
from chat_service.stores.items import Item

TERMINAL_EVENTS = {
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "cancelled": "response.incomplete",
    "failed": "response.failed",
}


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


@dataclass
class Utterance:
    """One output item in the making."""

    voice: Voice
    index: int
    id: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self.pieces)

    def part(self, text: str) -> Item:
        """The item's one part with that text."""
        if self.voice is SPEECH:
            return {"type": SPEECH.part, "text": text, "annotations": [], "logprobs": []}
        return {"type": self.voice.part, "text": text}

    def as_item(self, status: str, parts: list[Item]) -> Item:
        """The item as it is sent and stored."""
        item = {"id": self.id, "type": self.voice.item, "status": status, "content": parts}
        return {**item, "role": "assistant"} if self.voice is SPEECH else {**item, "summary": []}


class Answer:
    """Takes what the model says, gives events: numbered without a gap, in the order OpenAI's clients insist on.

    Text that arrives between two calls of `events` becomes one delta. Each event is encoded once, for all its readers.
    """

    def __init__(self) -> None:
        self.output: list[Item] = []
        self._sequence = 0
        self._events: list[bytes] = []
        self._current: Utterance | None = None
        self._unsent: list[str] = []
        self._told: list[tuple[Voice, str]] = []

    @property
    def text(self) -> str:
        """Everything said and thought; what an estimate of its tokens goes by."""
        return "".join(text for _, text in self._told)

    @property
    def thoughts(self) -> str:
        """What was thought alone."""
        return "".join(text for voice, text in self._told if voice is THOUGHT)

    def begin(self, response: ResponseObject) -> None:
        """The first two events."""
        document = response.model_dump(mode="json")
        self._tell("response.created", response=document)
        self._tell("response.in_progress", response=document)

    def say(self, text: str) -> None:
        """Takes a piece of the answer."""
        self._take(SPEECH, text)

    def think(self, text: str) -> None:
        """Takes a piece of reasoning."""
        self._take(THOUGHT, text)

    def close(self, status: str) -> None:
        """Ends the item in the making; `completed` or `incomplete`."""
        self._send_text()
        if (current := self._current) is None:
            return
        text = current.text
        where = {"item_id": current.id, "output_index": current.index, "content_index": 0}
        extra = current.voice.extra
        item = current.as_item(status, [current.part(text)])
        self._tell(f"{current.voice.event}.done", **where, text=text, **extra)
        self._tell("response.content_part.done", **where, part=current.part(text))
        self._tell("response.output_item.done", output_index=current.index, item=item)
        self.output.append(item)
        self._current = None

    def end(self, response: ResponseObject) -> None:
        """The last event."""
        self._tell(TERMINAL_EVENTS[response.status], response=response.model_dump(mode="json"))

    def events(self) -> list[bytes]:
        """The events since the last call, text until now included."""
        self._send_text()
        events, self._events = self._events, []
        return events

    def _take(self, voice: Voice, text: str) -> None:
        if self._current is None or self._current.voice is not voice:
            self.close("completed")
            self._open(voice)
        self._unsent.append(text)

    def _open(self, voice: Voice) -> None:
        self._current = current = Utterance(voice, len(self.output), new_id(voice.prefix))
        where = {"item_id": current.id, "output_index": current.index, "content_index": 0}
        item = current.as_item("in_progress", [])
        self._tell("response.output_item.added", output_index=current.index, item=item)
        self._tell("response.content_part.added", **where, part=current.part(""))

    def _send_text(self) -> None:
        if (current := self._current) is None or not self._unsent:
            return
        delta = "".join(self._unsent)
        self._unsent.clear()
        current.pieces.append(delta)
        self._told.append((current.voice, delta))
        where = {"item_id": current.id, "output_index": current.index, "content_index": 0}
        extra = current.voice.extra
        self._tell(f"{current.voice.event}.delta", **where, delta=delta, **extra)

    def _tell(self, kind: str, **fields: Any) -> None:
        data = orjson.dumps({"type": kind, "sequence_number": self._sequence, **fields})
        self._events.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))
        self._sequence += 1

    @classmethod
    def replay(cls, events: list[bytes]) -> "Answer":
        """The answer that those events told, ready to be closed and ended with the next numbers."""
        answer = cls()
        for frame in events:
            event = orjson.loads(frame.partition(b"data: ")[2])
            answer._hear(event)
        answer._sequence = len(events)
        return answer

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "response.output_item.added":
            voice = SPEECH if event["item"]["type"] == SPEECH.item else THOUGHT
            self._current = Utterance(voice, event["output_index"], event["item"]["id"])
        elif kind in (f"{SPEECH.event}.delta", f"{THOUGHT.event}.delta") and self._current:
            self._current.pieces.append(event["delta"])
            self._told.append((self._current.voice, event["delta"]))
        elif kind == "response.output_item.done":
            self.output.append(event["item"])
            self._current = None
