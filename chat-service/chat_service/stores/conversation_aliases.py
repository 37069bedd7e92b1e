"""The `conversation_aliases` table: the names by which other programs know conversations, such as ids of their own."""

from chassis.database import Transaction


class ConversationAliases:
    """An alias belongs to its owner: the same name of two users is two conversations."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str, alias: str) -> str | None:
        """The id of the conversation that goes by that name."""
        conversation_id: str | None = self._tx.value(
            "select conversation_id from conversation_aliases where owner = ? and alias = ?", owner, alias
        )
        return conversation_id

    def add(self, owner: str, alias: str, conversation_id: str) -> None:
        """Binds a name; it goes with its conversation."""
        self._tx.run(
            "insert into conversation_aliases (owner, alias, conversation_id) values (?, ?, ?)",
            owner,
            alias,
            conversation_id,
        )

    def give(self, owner: str, into: str) -> int:
        """Makes the names of `owner` those of `into`, which keeps its own where both have one; returns how many."""
        self._tx.run(
            "delete from conversation_aliases"
            " where owner = :owner and alias in (select alias from conversation_aliases where owner = :into)",
            owner=owner,
            into=into,
        )
        return self._tx.run("update conversation_aliases set owner = ? where owner = ?", into, owner)

    def erase_all(self, owner: str) -> int:
        """Forgets all of an owner; returns how many there were."""
        return self._tx.run("delete from conversation_aliases where owner = ?", owner)
