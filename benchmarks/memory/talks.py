"""Conversations as chat reports them: the events of turns, each continuing from the last or from any other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.ids import new_id

START = 1_760_000_000.0
TURN_SECONDS = 60.0
TAIL = 64
"""So many ids of the newest turns chat names when it asks for a context."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """A turn as it was told; `depth` counts from 1 along its path."""

    id: str
    parent: str | None
    depth: int
    user: str
    assistant: str


class Talk:
    """A conversation on its way. It knows what memory was told, and so what memory must hold."""

    def __init__(self, owner: str = "user_1") -> None:
        self.id = new_id("conv")
        self.owner = owner
        self.turns: dict[str, Said] = {}

    @property
    def newest(self) -> Said | None:
        """The turn that was told last, on whichever branch."""
        return next(reversed(self.turns.values()), None)

    def turn(self, user: str, assistant: str = "I see.", *, after: str | None = None, **changes: Any) -> Event:
        """The next turn's event; `after` continues from that turn instead of the newest."""
        parent = self.turns[after] if after else self.newest
        said = Said(new_id("resp"), parent.id if parent else None, parent.depth + 1 if parent else 1, user, assistant)
        self.turns[said.id] = said
        at = START + TURN_SECONDS * len(self.turns)
        data: Event = {
            "owner": self.owner,
            "conversation_id": self.id,
            "turn_id": said.id,
            "parent_id": said.parent,
            "depth": said.depth,
            "status": "completed",
            "user_text": user,
            "assistant_text": assistant,
            "file_ids": [],
            "model": "example/large",
            "created_at": at,
            "ended_at": at + 5,
        }
        return self._event("turn.ended", data | changes)

    def revised(self, turn_id: str, user: str = "", assistant: str = "") -> Event:
        """The event of a turn that says something else now; without texts it is empty."""
        old = self.turns[turn_id]
        self.turns[turn_id] = Said(old.id, old.parent, old.depth, user, assistant)
        data: Event = {"owner": self.owner, "conversation_id": self.id, "turn_id": turn_id}
        return self._event("turn.revised", {**data, "user_text": user, "assistant_text": assistant})

    def deleted(self) -> Event:
        """The event of its end."""
        return self._event("conversation.deleted", {"owner": self.owner, "conversation_id": self.id})

    def tail(self, turn_id: str | None = None) -> list[str]:
        """The newest ids on the path that ends with that turn, newest first."""
        return [said.id for said, _ in zip(self._back_from(turn_id), range(TAIL), strict=False)]

    def path(self, turn_id: str | None = None) -> Sequence[Said]:
        """The turns that lead to that one, oldest first; to the newest without an id."""
        return list(self._back_from(turn_id))[::-1]

    def _back_from(self, turn_id: str | None) -> Iterator[Said]:
        said = self.turns[turn_id] if turn_id else self.newest
        while said:
            yield said
            said = self.turns[said.parent] if said.parent else None

    def _event(self, kind: str, data: Event) -> Event:
        return {"id": new_id("evt"), "kind": kind, "key": self.id, "created_at": START, "data": data}
