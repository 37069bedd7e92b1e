"""A growing answer: what the model has said so far, as output items and as the events that tell of them."""

from collections.abc import Hashable
from typing import Any

import orjson

from chassis.ids import new_id
from chat_service.stores.items import Item
from chat_service.utterances import SPEECH, THOUGHT, Call, Utterance, Voice, Words, resumed

TERMINAL_EVENTS = {
    "completed": "response.completed",
    "incomplete": "response.incomplete",
    "cancelled": "response.incomplete",
    "failed": "response.failed",
}
DRAFT_EVENT = "response.draft.delta"
"""Ours: clients of OpenAI pass over it, others can show that something is being written."""


class Answer:
    """Takes what the model says, gives events: numbered without a gap, in the order OpenAI's clients insist on.

    Text that arrives between two calls of `events` becomes one delta. Each event is encoded once, for all its readers.
    """

    def __init__(self) -> None:
        self.output: list[Item] = []
        self._sequence = 0
        self._begun = 0
        self._events: list[bytes] = []
        self._open: dict[Hashable, Utterance] = {}
        self._drafted: list[str] = []
        self._undrafted: list[str] = []

    @property
    def drafted(self) -> str:
        """What was drafted and is not yet said."""
        return "".join([*self._drafted, *self._undrafted])

    @property
    def text(self) -> str:
        """Everything said, thought and called; what an estimate of its tokens goes by."""
        said = "".join(_texts_of(item) for item in self.output)
        return said + "".join("".join([*each.pieces, *each.unsent]) for each in self._open.values()) + self.drafted

    @property
    def thoughts(self) -> str:
        """What was thought alone."""
        thought = [_texts_of(item) for item in self.output if item["type"] == THOUGHT.item]
        for current in self._open.values():
            if isinstance(current, Words) and current.voice is THOUGHT:
                thought += [*current.pieces, *current.unsent]
        return "".join(thought)

    def begin(self, response: dict[str, Any]) -> None:
        """The first two events."""
        document = orjson.Fragment(orjson.dumps(response))
        self._tell("response.created", response=document)
        self._tell("response.in_progress", response=document)

    def say(self, text: str) -> None:
        """Takes a piece of the answer."""
        self._words(SPEECH).append(text)

    def think(self, text: str) -> None:
        """Takes a piece of reasoning."""
        self._words(THOUGHT).append(text)

    def call(self, piece: dict[str, Any]) -> None:
        """Takes a piece of a call, as `ModelChunk.tool_calls` holds them; calls may be told side by side."""
        key = ("call", piece["index"])
        if key not in self._open:
            self._close_words()
            self._begin(key, Call(self._begun, piece["id"], piece["function"]["name"]))
        if arguments := piece["function"]["arguments"]:
            self._open[key].unsent.append(arguments)

    def draft(self, text: str) -> None:
        """Takes a piece of what is not said before it was checked: clients are told of it, but it is no output yet."""
        self._undrafted.append(text)

    def redraft(self) -> None:
        """Drops what was drafted."""
        self._send_text()
        self._drafted.clear()

    def close(self, status: str) -> None:
        """Ends what is in the making; `completed` or `incomplete`. What was only drafted is said as it is."""
        if drafted := self.drafted:
            self.redraft()
            self.say(drafted)
        self._end_open(status)

    def _end_open(self, status: str) -> None:
        for key in list(self._open):
            self._close(key, status)

    def end(self, response: dict[str, Any]) -> None:
        """The last event."""
        self._tell(TERMINAL_EVENTS[response["status"]], response=response)

    def events(self) -> list[bytes]:
        """The events since the last call, text until now included."""
        self._send_text()
        events, self._events = self._events, []
        return events

    def _words(self, voice: Voice) -> list[str]:
        """Where the pieces of that voice go; whatever else is open ends."""
        if (current := self._open.get(voice)) is None:
            self._end_open("completed")
            current = self._begin(voice, Words(voice, self._begun, new_id(voice.prefix)))
        return current.unsent

    def _begin(self, key: Hashable, utterance: Utterance) -> Utterance:
        self._open[key] = utterance
        self._begun += 1
        for kind, fields in utterance.begun():
            self._tell(kind, **fields)
        return utterance

    def _close_words(self) -> None:
        for voice in (THOUGHT, SPEECH):
            if voice in self._open:
                self._close(voice, "completed")

    def _close(self, key: Hashable, status: str) -> None:
        utterance = self._open[key]
        self._send(utterance)
        events, item = utterance.ended(status)
        for kind, fields in events:
            self._tell(kind, **fields)
        self.output.append(item)
        del self._open[key]

    def _send_text(self) -> None:
        if self._undrafted:
            piece = "".join(self._undrafted)
            self._undrafted.clear()
            self._drafted.append(piece)
            self._tell(DRAFT_EVENT, delta=piece)
        for utterance in self._open.values():
            self._send(utterance)

    def _send(self, utterance: Utterance) -> None:
        """The pieces that wait as one delta; the hot loop, so its event is put together from bytes."""
        if not utterance.unsent:
            return
        delta = "".join(utterance.unsent)
        utterance.unsent.clear()
        utterance.pieces.append(delta)
        kind = utterance.delta_event.encode()
        numbered = b'{"type":"%b","sequence_number":%d,' % (kind, self._sequence)
        data = numbered + utterance.delta_head + orjson.dumps(delta) + b"}"
        self._events.append(b"event: %b\ndata: %b\n\n" % (kind, data))
        self._sequence += 1

    def _tell(self, kind: str, **fields: Any) -> None:
        data = orjson.dumps({"type": kind, "sequence_number": self._sequence, **fields})
        self._events.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))
        self._sequence += 1

    @classmethod
    def replay(cls, events: list[bytes]) -> "Answer":
        """The answer that those events told, ready to be closed and ended with the next numbers."""
        answer = cls()
        for frame in events:
            answer._hear(event_in(frame))
        answer._sequence = len(events)
        return answer

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == DRAFT_EVENT:
            self._drafted.append(event["delta"])
        elif kind == "response.output_item.added":
            utterance = resumed(event["output_index"], event["item"])
            self._open[utterance.id] = utterance
            self._begun += 1
        elif kind.endswith(".delta") and event.get("item_id") in self._open:
            self._open[event["item_id"]].pieces.append(event["delta"])
        elif kind == "response.output_item.done":
            self.output.append(event["item"])
            self._open.pop(event["item"]["id"], None)


def event_in(frame: bytes) -> dict[str, Any]:
    """The event that a frame of the log holds."""
    event: dict[str, Any] = orjson.loads(frame.partition(b"data: ")[2])
    return event


def _texts_of(item: Item) -> str:
    if item["type"] == "function_call":
        return f"{item['name']}{item['arguments']}"
    return "".join(part["text"] for part in item["content"])
