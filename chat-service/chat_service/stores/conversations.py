"""The `conversations` table."""

from dataclasses import dataclass
from typing import Any

import orjson

from chassis.database import Row, Transaction
from chassis.pages import PageQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConversation:
    """One row; `tip_id` is the newest response of the active branch."""

    id: str
    owner: str
    metadata: dict[str, str]
    tip_id: str | None
    created_at: float
    updated_at: float


COLUMNS = "id, owner, metadata, tip_id, created_at, updated_at"


class Conversations:
    """Conversations of any owner; every method that reads or changes one names the owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, conversation: StoredConversation) -> None:
        """Inserts a conversation."""
        self._tx.run(
            "insert into conversations (id, owner, metadata, tip_id, created_at, updated_at) values (?, ?, ?, ?, ?, ?)",
            conversation.id,
            conversation.owner,
            _json(conversation.metadata),
            conversation.tip_id,
            conversation.created_at,
            conversation.updated_at,
        )

    def find(self, owner: str, conversation_id: str) -> StoredConversation | None:
        """The owner's conversation; None for a missing and for a foreign one alike."""
        row = self._tx.one(
            f"select {COLUMNS} from conversations where id = ? and owner = ?",  # noqa: S608 - a constant
            conversation_id,
            owner,
        )
        return _conversation(row) if row else None

    def page(self, owner: str, page: PageQuery) -> list[StoredConversation]:
        """Up to `limit + 1` of the owner's conversations, by age."""
        comes_later, direction = ("<", "desc") if page.order == "desc" else (">", "asc")
        rows = self._tx.all(
            f"select {COLUMNS} from conversations"  # noqa: S608 - constants
            f" where owner = :owner and (:after is null or id {comes_later} :after)"
            f" order by id {direction} limit :limit",
            owner=owner,
            after=page.after,
            limit=page.limit + 1,
        )
        return [_conversation(row) for row in rows]

    def set_metadata(self, owner: str, conversation_id: str, metadata: dict[str, str]) -> bool:
        """Replaces the metadata; False when there is no such conversation."""
        return bool(
            self._tx.run(
                "update conversations set metadata = ? where id = ? and owner = ?",
                _json(metadata),
                conversation_id,
                owner,
            )
        )

    def move_tip(self, owner: str, conversation_id: str, tip_id: str, now: float) -> None:
        """Makes that response the end of the active branch."""
        self._tx.run(
            "update conversations set tip_id = ?, updated_at = ? where id = ? and owner = ?",
            tip_id,
            now,
            conversation_id,
            owner,
        )

    def delete(self, owner: str, conversation_id: str) -> bool:
        """Deletes it with its responses, items and events; False when there is no such conversation."""
        return bool(self._tx.run("delete from conversations where id = ? and owner = ?", conversation_id, owner))

    def give(self, owner: str, into: str) -> int:
        """Makes the conversations of `owner` those of `into`; returns how many there were."""
        return self._tx.run("update conversations set owner = ? where owner = ?", into, owner)

    def erase_all(self, owner: str) -> int:
        """Deletes all of an owner, with what was said in them; returns how many there were."""
        return self._tx.run("delete from conversations where owner = ?", owner)


def _json(metadata: dict[str, str]) -> str:
    return orjson.dumps(metadata).decode()


def _conversation(row: Row) -> StoredConversation:
    values: dict[str, Any] = {**row, "metadata": orjson.loads(row["metadata"])}
    return StoredConversation(**values)
