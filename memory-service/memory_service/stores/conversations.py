"""Conversations that memory has heard of, and the tombstones of those that were deleted."""

from dataclasses import dataclass

from chassis.database import Transaction


@dataclass(frozen=True)
class Conversation:
    """A conversation; `active_branch` holds its newest turn."""

    id: str
    owner: str
    active_branch: int | None
    forgotten_at: float | None


class Conversations:
    """Rows of `conversations`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, conversation_id: str) -> Conversation | None:
        """The conversation, whoever owns it."""
        row = self._tx.one(
            "select id, owner, active_branch, forgotten_at from conversations where id = ?", conversation_id
        )
        return Conversation(**row) if row else None

    def owned(self, owner: str, conversation_id: str) -> Conversation | None:
        """The owner's conversation; None when it is missing or someone else's."""
        found = self.find(conversation_id)
        return found if found and found.owner == owner else None

    def of(self, owner: str) -> list[str]:
        """Ids of all the owner's conversations."""
        return [row["id"] for row in self._tx.all("select id from conversations where owner = ? order by id", owner)]

    def open(self, conversation_id: str, owner: str) -> Conversation:
        """The conversation, made when this is the first that is heard of it."""
        self._tx.run(
            "insert into conversations (id, owner) values (?, ?) on conflict do nothing", conversation_id, owner
        )
        found = self.find(conversation_id)
        assert found is not None
        return found

    def activate(self, conversation_id: str, branch: int) -> None:
        """The newest turn stands on this branch."""
        self._tx.run("update conversations set active_branch = ? where id = ?", branch, conversation_id)

    def forget(self, conversation_id: str, now: float) -> None:
        """What was said until now is forgotten on purpose."""
        self._tx.run("update conversations set forgotten_at = ? where id = ?", now, conversation_id)

    def give(self, conversation_id: str, into: str) -> None:
        """Makes it another owner's."""
        self._tx.run("update conversations set owner = ? where id = ?", into, conversation_id)

    def erase(self, conversation_id: str) -> None:
        """Deletes the row."""
        self._tx.run("delete from conversations where id = ?", conversation_id)


class Tombstones:
    """Rows of `tombstones`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def set(self, conversation_id: str, now: float) -> None:
        """No later event of the conversation has any effect."""
        self._tx.run(
            "insert into tombstones (conversation_id, deleted_at) values (?, ?) on conflict do nothing",
            conversation_id,
            now,
        )

    def stands_on(self, conversation_id: str) -> bool:
        """Whether the conversation was deleted."""
        return self._tx.one("select 1 as found from tombstones where conversation_id = ?", conversation_id) is not None
