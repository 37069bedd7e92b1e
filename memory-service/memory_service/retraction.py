"""Facts that go: one that nothing bears out any more, and one that is deleted for good and must not come back."""

from collections.abc import Callable, Sequence

from chassis.database import Transaction
from memory_service.quoting import find_quote
from memory_service.stores.fact_changes import SUPERSEDED, FactChanges
from memory_service.stores.fact_sources import FactSources, Source
from memory_service.stores.facts import USER, Fact, Facts
from memory_service.stores.turns import Turn
from memory_service.unwanted import Unwanted


def let_go(tx: Transaction, fact_id: str) -> None:
    """What it superseded holds again, as if it never had, or else is superseded by what superseded it."""
    for freed in Facts(tx).pass_over(fact_id):
        last = FactChanges(tx).newest(freed)
        if last and last.change == SUPERSEDED:
            FactChanges(tx).drop(last.number)


def retract(tx: Transaction, fact_id: str) -> None:
    """Drops it with its sources and changes."""
    let_go(tx, fact_id)
    Facts(tx).drop(fact_id)


def retract_for_good(tx: Transaction, fact: Fact, now: float) -> int:
    """Besides, no fold says again what it says or ever said; returns how many changes went with it."""
    changes = FactChanges(tx).of(fact.id)
    unwanted = Unwanted(tx, fact.owner)
    for text in {fact.text, *(each.before.text for each in changes if each.before)}:
        unwanted.bury(text, now)
    retract(tx, fact.id)
    return len(changes)


def retract_unsaid(tx: Transaction, fact: Fact) -> None:
    """Drops what nothing bears out any more; what the user refused stays refused, should it be said again."""
    if fact.refused:
        retract_for_good(tx, fact, fact.updated_at)
    else:
        retract(tx, fact.id)


def unsay_turn(tx: Transaction, old: Turn, new: Turn | None) -> int:
    """What the turn said does not count any more; returns how many facts went with it.

    What the user settled keeps it as a source where the new text still says so: it is read again, and must not make
    again what was corrected or refused.
    """
    said = [
        fact
        for fact in Facts(tx).said_in([old.id])
        if not (new and fact.settled and _is_still_said(tx, fact, old, new))
    ]
    return _unsay(tx, said, lambda fact: FactSources(tx).drop(fact.id, old.id))


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
            retract_unsaid(tx, fact)
            retracted += 1
    return retracted


def _is_still_said(tx: Transaction, fact: Fact, old: Turn, new: Turn) -> bool:
    """Whether the new text has the words too; then that is where they are from now on."""
    [source] = [each for each in FactSources(tx).of(fact.id) if each.turn_id == old.id]
    found = find_quote(new.user_text, old.user_text[source.quote_from : source.quote_to])
    if found:
        FactSources(tx).drop(fact.id, old.id)
        FactSources(tx).add(fact.id, Source(old.id, *found))
    return found is not None
