"""Takes in the facts that a fold found: what is said again, what is new, and what is true instead of something else."""

from dataclasses import replace

from chassis.database import Transaction
from chassis.ids import new_id
from memory_service.fold_replies import StatedFact
from memory_service.stores.conversations import Conversation
from memory_service.stores.fact_changes import CREATED, FOLD, SUPERSEDED, FactChanges
from memory_service.stores.fact_sources import FactSources, Source
from memory_service.stores.facts import (
    ACTIVE,
    FACTS_PER_OWNER,
    PROPOSED,
    Fact,
    Facts,
)
from memory_service.stores.preferences import Preferences
from memory_service.topics import is_forgotten
from memory_service.unwanted import Unwanted

CONFIRMED = "confirmed"


class Learning:
    """One fold's facts, in its commit: they meet the facts that there are now, whatever the user did meanwhile."""

    def __init__(self, tx: Transaction, conversation: Conversation, now: float) -> None:
        self._tx = tx
        self._facts = Facts(tx)
        self._sources = FactSources(tx)
        self._changes = FactChanges(tx)
        self._owner = conversation.owner
        self._conversation_id = conversation.id
        self._across = Preferences(tx).of(conversation.owner).facts_across_conversations
        self._unwanted = Unwanted(tx, conversation.owner)
        self._now = now

    def take_in(self, stated: StatedFact, said_at: float, replaced: list[str]) -> None:
        """`replaced` are ids of facts that are not true any more if this one is."""
        contradicted = [fact for each in replaced if (fact := self._facts.find(self._owner, each)) and fact.in_force]
        known = self._said_before(stated.text, said_at)
        if known:
            self._say_again(known, stated, contradicted, said_at)
        elif not self._is_settled(stated, said_at) and self._facts.count(self._owner) < FACTS_PER_OWNER:
            self._add(stated, contradicted, said_at)

    def _said_before(self, text: str, said_at: float) -> Fact | None:
        """The fact that says this, best one in force; one that was superseded only if this was said before that.

        One that the user refused too: it is refused wherever it was said.
        """
        same = [
            fact
            for fact in self._facts.worded(self._owner, text)
            if (fact.valid_to is None or said_at < fact.valid_to) and self._is_in_reach(fact)
        ]
        return max(same, key=lambda fact: (fact.in_force, fact.valid_to is None), default=None)

    def _is_in_reach(self, fact: Fact) -> bool:
        """Whether what is said in this conversation counts as said of a fact."""
        return self._across or self._sources.any_in(fact.id, self._conversation_id) or not self._sources.of(fact.id)

    def _say_again(self, known: Fact, stated: StatedFact, contradicted: list[Fact], said_at: float) -> None:
        bears_out = stated.status == ACTIVE or known.status == PROPOSED
        if bears_out and self._sources.of(known.id):  # without, the user wrote it: it goes with no turn
            for source in stated.sources:
                self._sources.add(known.id, source)
        if known.status == PROPOSED and not known.locked and _may_hold(stated, contradicted):
            self._put(replace(known, status=ACTIVE), known, CONFIRMED)
            known = replace(known, status=ACTIVE)
        if known.in_force and _may_hold(stated, contradicted):
            self._supersede(contradicted, known, said_at)

    def _is_settled(self, stated: StatedFact, said_at: float) -> bool:
        """Whether the user has seen to it: has deleted or refused such a fact, forgotten a topic that it is on, or
        corrected what was made of the same words, which are read again."""
        return (
            self._unwanted.holds(stated.text)
            or is_forgotten(self._tx, self._owner, self._conversation_id, stated.text, said_at)
            or any(
                fact.settled and any(_overlap(source, said) for said in self._sources.of(fact.id))
                for source in stated.sources
                for fact in self._facts.said_in([source.turn_id])
            )
        )

    def _add(self, stated: StatedFact, contradicted: list[Fact], said_at: float) -> None:
        """What contradicts a fact that the user settled is proposed only; what was said before a fact that
        contradicts it is over since then."""
        status = ACTIVE if _may_hold(stated, contradicted) else PROPOSED
        newer = _first_after(contradicted, said_at) if status == ACTIVE else None
        fact = Fact(
            id=new_id("mem"),
            owner=self._owner,
            text=stated.text,
            kind=stated.kind,
            priority=stated.priority,
            status=status,
            valid_from=said_at,
            valid_to=newer.valid_from if newer else None,
            superseded_by=newer.id if newer else None,
            edited_by=None,
            created_at=self._now,
            updated_at=self._now,
        )
        self._facts.add(fact, stated.sources)
        self._changes.add(fact.id, self._now, FOLD, CREATED, None)
        if status == ACTIVE:
            self._supersede(contradicted, fact, said_at)

    def _supersede(self, contradicted: list[Fact], successor: Fact, said_at: float) -> None:
        for fact in contradicted:
            if fact.valid_from <= said_at and fact.id != successor.id:
                self._put(replace(fact, valid_to=said_at, superseded_by=successor.id), fact, SUPERSEDED)

    def _put(self, fact: Fact, before: Fact, change: str) -> None:
        self._facts.update(replace(fact, updated_at=self._now))
        self._changes.add(fact.id, self._now, FOLD, change, before)


def _may_hold(stated: StatedFact, contradicted: list[Fact]) -> bool:
    return stated.status == ACTIVE and not any(fact.locked for fact in contradicted)


def _first_after(facts: list[Fact], moment: float) -> Fact | None:
    return min((fact for fact in facts if fact.valid_from > moment), key=lambda fact: fact.valid_from, default=None)


def _overlap(one: Source, other: Source) -> bool:
    return one.turn_id == other.turn_id and one.quote_from < other.quote_to and other.quote_from < one.quote_to
