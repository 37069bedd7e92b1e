"""All that memory holds of an owner: handed over with a guest that is merged, erased with an account."""

from collections.abc import Sequence

from chassis.database import Database, Transaction
from chassis.owners import Counts
from memory_service.forgetting import Receipt, erase_conversation
from memory_service.indexing import clear_leftovers, index_conversation, take_out_conversation
from memory_service.stores.conversations import Conversations
from memory_service.stores.episodes import Episodes
from memory_service.stores.fact_tombstones import FactTombstones
from memory_service.stores.facts import Facts
from memory_service.stores.forgotten_topics import ForgottenTopics
from memory_service.stores.passages import Passages
from memory_service.stores.preferences import Preferences
from memory_service.stores.turns import Turns


class MemoryHoldings:
    """`chassis.owners.Holdings` of memory: conversations, all that was said in them and made of it, and choices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """Folds go on; their facts become those of the new owner, whose own choices hold."""
        FactTombstones(tx).give(owner, into)
        ForgottenTopics(tx).give(owner, into)
        Preferences(tx).give(owner, into)
        facts = Facts(tx).give(owner, into)
        conversations = [_give_conversation(tx, each, into) for each in Conversations(tx).of(owner)]
        Passages(tx).forget_owner(owner)
        return _counts(conversations, facts)

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """Nothing is kept, so nothing comes under the pseudonym. A fold in flight finds its job gone."""
        FactTombstones(tx).erase(owner)
        ForgottenTopics(tx).erase(owner)
        Preferences(tx).erase(owner)
        facts = Facts(tx).erase(owner)
        conversations = [erase_conversation(tx, each) for each in Conversations(tx).of(owner)]
        Passages(tx).forget_owner(owner)
        return _counts(conversations, facts)

    async def erased(self, owner: str) -> None:
        """The index has words of them until then."""
        await clear_leftovers(self._database)


def _give_conversation(tx: Transaction, conversation_id: str, into: str) -> Receipt:
    take_out_conversation(tx, conversation_id)
    Conversations(tx).give(conversation_id, into)
    turns = Turns(tx).give(conversation_id, into)
    index_conversation(tx, conversation_id)
    return Receipt(
        turns=turns,
        episodes=Episodes(tx).count(conversation_id),
        facts=0,
    )


def _counts(conversations: Sequence[Receipt], facts: int) -> Counts:
    return {
        "conversations": len(conversations),
        "turns": sum(each.turns for each in conversations),
        "episodes": sum(each.episodes for each in conversations),
        "facts": facts,
    }
