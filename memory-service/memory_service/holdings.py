"""All that memory holds of an owner: handed over with a guest that is merged, erased with an account."""

from collections.abc import Sequence

from chassis.database import Transaction
from chassis.owners import Counts
from memory_service.forgetting import Receipt, erase_conversation
from memory_service.stores.conversations import Conversations
from memory_service.stores.episodes import Episodes
from memory_service.stores.facts import Facts
from memory_service.stores.passages import Passages
from memory_service.stores.turns import Turns


class MemoryHoldings:
    """`chassis.owners.Holdings` of memory: conversations, and all that was said in them and made of it."""

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """Folds go on; their facts become those of the new owner."""
        return _counts([_give_conversation(tx, each, into) for each in Conversations(tx).of(owner)])

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """Nothing is kept, so nothing comes under the pseudonym. A fold in flight finds its job gone."""
        return _counts([erase_conversation(tx, each) for each in Conversations(tx).of(owner)])

    async def erased(self, owner: str) -> None:
        """The rows were all there was."""


def _give_conversation(tx: Transaction, conversation_id: str, into: str) -> Receipt:
    Conversations(tx).give(conversation_id, into)
    Passages(tx).give(conversation_id, into)
    return Receipt(
        turns=Turns(tx).give(conversation_id, into),
        episodes=Episodes(tx).count(conversation_id),
        facts=Facts(tx).give(conversation_id, into),
    )


def _counts(conversations: Sequence[Receipt]) -> Counts:
    return {
        "conversations": len(conversations),
        "turns": sum(each.turns for each in conversations),
        "episodes": sum(each.episodes for each in conversations),
        "facts": sum(each.facts for each in conversations),
    }
