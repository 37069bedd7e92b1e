"""What memory is told of turns, in the transaction in which it happens."""

from chassis.database import Transaction
from chassis.outbox import Outbox, is_owed
from chassis.owners import Owners
from chat_service.inputs import assistant_text, file_ids, user_text
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import StoredResponse


class MemoryEvents:
    """Events of a conversation arrive in the order in which they are put."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def turn_ended(self, tx: Transaction, turn: StoredResponse, asked: list[Item], answered: list[Item]) -> None:
        """A stored turn has ended, however it did."""
        assert turn.conversation_id is not None  # every stored turn has one
        data = {
            "owner": Owners(tx).present(turn.owner),
            "conversation_id": turn.conversation_id,
            "turn_id": turn.id,
            "parent_id": turn.parent_id,
            "depth": turn.depth,
            "status": turn.status,
            "user_text": user_text(asked),
            "assistant_text": assistant_text(answered),
            "file_ids": file_ids(asked),
            "model": turn.model_id,
            "created_at": turn.created_at,
            "ended_at": turn.ended_at,
        }
        self._outbox.put(tx, to="memory", kind="turn.ended", key=turn.conversation_id, data=data)

    def turn_revised(self, tx: Transaction, turn: StoredResponse) -> None:
        """Something of a turn, or all of it, was deleted: what was made of its old texts has to go."""
        assert turn.conversation_id is not None
        data = {
            "owner": turn.owner,
            "conversation_id": turn.conversation_id,
            "turn_id": turn.id,
            "user_text": user_text(Items(tx).of(turn.id, "input")),
            "assistant_text": assistant_text(Items(tx).of(turn.id, "output")),
        }
        self._outbox.put(tx, to="memory", kind="turn.revised", key=turn.conversation_id, data=data)

    @staticmethod
    def forgetting(tx: Transaction, conversation_id: str) -> bool:
        """Whether memory has yet to hear that something of the conversation was deleted."""
        return is_owed(tx, "memory", "turn.revised", conversation_id)

    def conversation_deleted(self, tx: Transaction, owner: str, conversation_id: str) -> None:
        """All of a conversation was deleted."""
        data = {"owner": owner, "conversation_id": conversation_id}
        self._outbox.put(tx, to="memory", kind="conversation.deleted", key=conversation_id, data=data)
