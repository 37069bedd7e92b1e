"""Facts that go: one that nothing bears out any more, and one that is deleted for good and must not come back."""

from collections.abc import Callable, Sequence

from chassis.database import Transaction
from memory_service.stores.fact_changes import SUPERSEDED, FactChanges
from memory_service.stores.fact_sources import FactSources
from memory_service.stores.facts import USER, Fact, Facts
from memory_service.unwanted import Unwanted


def retract(tx: Transaction, fact_id: str) -> None:
    """Drops it with its sources and changes, as if it had never superseded anything."""
    for freed in Facts(tx).pass_over(fact_id):
        last = FactChanges(tx).newest(freed)
        if last and last.change == SUPERSEDED:
            FactChanges(tx).drop(last.number)
    Facts(tx).drop(fact_id)


def retract_for_good(tx: Transaction, fact: Fact, now: float) -> int:
    """Besides, no fold says again what it says or ever said; returns how many changes went with it."""
    changes = FactChanges(tx).of(fact.id)
    unwanted = Unwanted(tx, fact.owner)
    for text in {fact.text, *(each.before.text for each in changes if each.before)}:
        unwanted.bury(text, now)
    retract(tx, fact.id)
    return len(changes)


def unsay_turn(tx: Transaction, turn_id: str) -> int:
    """Nothing counts as said in the turn any more; returns how many facts went with it."""
    return _unsay(tx, Facts(tx).said_in([turn_id]), lambda fact: FactSources(tx).drop(fact.id, turn_id))


def unsay_conversation(tx: Transaction, conversation_id: str) -> int:
    """Nothing counts as said in the conversation any more; returns how many facts went with it."""
    said = Facts(tx).said_in_conversation(conversation_id)
    return _unsay(tx, said, lambda fact: FactSources(tx).drop_all_in(fact.id, conversation_id))


def _unsay(tx: Transaction, facts: Sequence[Fact], take_sources: Callable[[Fact], None]) -> int:
    """A fact goes with its last source. What the user made of one stays, without what it was made of."""
    retracted = 0
    for fact in facts:
        take_sources(fact)
        if fact.edited_by == USER:
            FactChanges(tx).forget_texts_before(fact.id, fact.text)
        elif not FactSources(tx).of(fact.id):
            retract(tx, fact.id)
            retracted += 1
    return retracted
