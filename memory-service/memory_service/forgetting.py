"""Taking things out of memory: for good with a deleted conversation, on purpose when a user says so."""

from dataclasses import dataclass

from chassis.database import Transaction
from memory_service.indexing import leave_conversation
from memory_service.retraction import unsay_conversation
from memory_service.stores.branches import Branches
from memory_service.stores.conversations import Conversations
from memory_service.stores.episodes import Episodes
from memory_service.stores.jobs import Jobs
from memory_service.stores.turns import Turns


@dataclass(frozen=True)
class Receipt:
    """How much there was of a conversation."""

    turns: int
    episodes: int
    facts: int


def forget_conversation(tx: Transaction, conversation_id: str, now: float) -> Receipt:
    """Erases what was said and all that was made of it. Husks of the turns stay: they count as known to memory,
    so that chat does not bring them back, and the conversation can go on from them."""
    episodes, facts = _erase_derived(tx, conversation_id)
    turns = Turns(tx).forget(conversation_id)
    Branches(tx).clear(conversation_id)
    Conversations(tx).forget(conversation_id, now)
    return Receipt(turns, episodes, facts)


def erase_conversation(tx: Transaction, conversation_id: str) -> Receipt:
    """Deletes every row of the conversation."""
    episodes, facts = _erase_derived(tx, conversation_id)
    turns = Turns(tx).erase(conversation_id)
    Branches(tx).erase(conversation_id)
    Conversations(tx).erase(conversation_id)
    return Receipt(turns, episodes, facts)


def _erase_derived(tx: Transaction, conversation_id: str) -> tuple[int, int]:
    """Index, jobs with their saved replies, episodes, facts said nowhere else; returns how many of the last two."""
    leave_conversation(tx, conversation_id)
    Jobs(tx).erase(conversation_id)
    return Episodes(tx).erase(conversation_id), unsay_conversation(tx, conversation_id)
