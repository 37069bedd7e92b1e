"""The `contexts` table: what exactly went to the model for a turn. It quotes the turns before."""

from chassis.database import Transaction


class SentContexts:
    """Compressed messages, by response."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, response_id: str, messages: bytes) -> None:
        """Keeps what went to the model, unless something in the conversation was deleted since the turn was accepted.

        A turn that is gone keeps nothing.
        """
        self._tx.run(
            "insert into contexts (response_id, messages)"
            " select responses.id, ? from responses join conversations on conversations.id = responses.conversation_id"
            "  where responses.id = ? and responses.deleted_at is null"
            "    and (conversations.revised_at is null or conversations.revised_at < responses.created_at)"
            " on conflict (response_id) do nothing",
            messages,
            response_id,
        )

    def find(self, response_id: str) -> bytes | None:
        """What went to the model; None when it is not kept any more."""
        messages: bytes | None = self._tx.value("select messages from contexts where response_id = ?", response_id)
        return messages

    def erase_from(self, conversation_id: str, depth: int) -> None:
        """Erases those of all turns of a conversation that are at least so deep."""
        self._tx.run(
            "delete from contexts"
            " where response_id in (select id from responses where conversation_id = ? and depth >= ?)",
            conversation_id,
            depth,
        )
