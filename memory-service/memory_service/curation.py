"""What a user does with facts: writes, corrects, settles, takes back and deletes them; what is settled is locked."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.owners import Owners
from chassis.pages import PageQuery
from memory_service.problems import (
    FactChangeNotUndoable,
    FactNotFound,
    FactNotInForce,
    FactSuperseded,
    TooManyFacts,
)
from memory_service.retraction import let_go, retract_for_good
from memory_service.schemas.facts import ChangeFact, CreateFact
from memory_service.scrubbing import Scrubbing
from memory_service.stores.fact_changes import CREATED, SUPERSEDED, Change, FactChanges
from memory_service.stores.fact_lists import FactFilter, FactLists, ListedFact, Said
from memory_service.stores.fact_sources import FactSources
from memory_service.stores.facts import (
    ACTIVE,
    FACTS_PER_OWNER,
    FORGOTTEN,
    PINNED,
    PROPOSED,
    REJECTED,
    USER,
    Fact,
    Facts,
)
from memory_service.stores.preferences import Preferences
from memory_service.unwanted import Unwanted

EDITED = "edited"
SET_ASIDE = "set_aside"
"""What becomes of a fact in whose place the one that it had superseded holds again."""
SETTLED = {PINNED: "pinned", FORGOTTEN: "forgotten", REJECTED: "rejected"}
"""The change that leads to a status; what leads to `active` depends on where it comes from."""
UNSETTLED = {PINNED: "unpinned", FORGOTTEN: "restored", REJECTED: "restored"}

T = TypeVar("T")


@dataclass(frozen=True)
class Deleted:
    """What went with a fact."""

    sources: int
    changes: int


class Curation:
    """A user's own facts; what is someone else's is not there. Every act is one transaction."""

    def __init__(self, database: Database, scrubbing: Scrubbing, clock: Clock) -> None:
        self._database = database
        self._scrubbing = scrubbing
        self._clock = clock

    async def page(self, owner: str, page: PageQuery, only: FactFilter) -> list[ListedFact]:
        """Up to `limit + 1` facts."""
        return await self._database.read(lambda tx: FactLists(tx).facts(owner, page, only))

    async def find(self, owner: str, fact_id: str) -> ListedFact:
        """One fact. Raises `FactNotFound`."""
        return await self._database.read(lambda tx: _listed(tx, owner, fact_id))

    async def sources(self, owner: str, fact_id: str, page: PageQuery) -> list[Said]:
        """Up to `limit + 1` of the turns in which the user said it. Raises `FactNotFound`."""
        return await self._database.read(lambda tx: FactLists(tx).sources(_found(tx, owner, fact_id).id, page))

    async def history(self, owner: str, fact_id: str) -> list[Change]:
        """What happened to it, newest first. Raises `FactNotFound`."""
        return await self._database.read(lambda tx: FactChanges(tx).of(_found(tx, owner, fact_id).id))

    async def create(self, owner: str, body: CreateFact) -> tuple[ListedFact, bool]:
        """The fact that says so, and whether it is new: what is in force already is the user's from now on.

        Raises `FactNotFound` and `FactNotInForce` for what it replaces, and `TooManyFacts`.
        """

        def create(tx: Transaction) -> tuple[ListedFact, bool]:
            there = _in_force_everywhere(tx, owner, body.text)
            fact = there or self._write(tx, owner, body)
            if there:
                settled = replace(there, status=PINNED if body.pinned else there.status, edited_by=USER)
                self._put(tx, settled, there, _named(there, settled))
            if body.replaces:
                self._supersede(tx, _replaceable(tx, owner, body.replaces), fact)
            return _listed(tx, owner, fact.id), there is None

        return await self._write_for(owner, create)

    async def change(self, owner: str, fact_id: str, body: ChangeFact) -> ListedFact:
        """Changes what the body gives. Raises `FactNotFound`, `FactSuperseded`."""
        changes = body.model_dump(exclude_none=True)

        def change(tx: Transaction) -> None:
            fact = _standing(tx, owner, fact_id)
            changed = replace(fact, **changes)
            if changed.text != fact.text or (changed.status != fact.status and changed.in_force):
                changed = replace(changed, edited_by=USER)
            if changed.text != fact.text:
                Unwanted(tx, owner).lift(changed.text)
            self._put(tx, changed, fact, _named(fact, changed))

        return await self._shown_after(owner, fact_id, change)

    async def approve(self, owner: str, fact_id: str, replaces: str | None) -> ListedFact:
        """The user says that it is so. Raises `FactNotFound`, `FactSuperseded`, `FactNotInForce`."""

        def approve(tx: Transaction) -> None:
            fact = _standing(tx, owner, fact_id)
            approved = replace(fact, status=PINNED if fact.status == PINNED else ACTIVE, edited_by=USER)
            self._put(tx, approved, fact, "approved")
            if replaces:
                self._supersede(tx, _replaceable(tx, owner, replaces), approved)

        return await self._shown_after(owner, fact_id, approve)

    async def reject(self, owner: str, fact_id: str) -> ListedFact:
        """The user says that it is not so: it does not come back. Raises `FactNotFound`, `FactSuperseded`."""
        return await self.change(owner, fact_id, ChangeFact(status="rejected"))

    async def undo(self, owner: str, fact_id: str) -> ListedFact:
        """Takes the newest change back. Raises `FactNotFound`, `FactChangeNotUndoable`."""

        def undo(tx: Transaction) -> None:
            fact = _found(tx, owner, fact_id)
            last = FactChanges(tx).newest(fact.id)
            if last is None or last.before is None:
                raise FactChangeNotUndoable()
            before = replace(fact, **asdict(last.before), updated_at=self._clock())
            borne_out = FactSources(tx).of(fact.id)  # else it is there because the user wants it
            FactChanges(tx).drop(last.number)
            Facts(tx).update(before if borne_out else replace(before, edited_by=USER))
            if before.text != fact.text:
                self._scrubbing.owe(tx)
            if fact.superseded_by:
                self._set_aside(tx, owner, fact.superseded_by, last)
            elif fact.in_force and before.status == PROPOSED:
                let_go(tx, fact.id)

        return await self._shown_after(owner, fact_id, undo)

    async def delete(self, owner: str, fact_id: str) -> Deleted:
        """Deletes it for good, so that no fold brings it back either. Raises `FactNotFound`."""

        def delete(tx: Transaction) -> Deleted:
            listed = _listed(tx, owner, fact_id)
            changes = retract_for_good(tx, listed.fact, self._clock())
            self._scrubbing.owe(tx)
            return Deleted(listed.sources, changes)

        return await self._write_for(owner, delete, frees_space=True)

    async def _shown_after(self, owner: str, fact_id: str, act: Callable[[Transaction], None]) -> ListedFact:
        def act_and_show(tx: Transaction) -> ListedFact:
            act(tx)
            return _listed(tx, owner, fact_id)

        return await self._write_for(owner, act_and_show)

    async def _write_for(self, owner: str, act: Callable[[Transaction], T], *, frees_space: bool = False) -> T:
        def write(tx: Transaction) -> T:
            Owners(tx).refuse_departed(owner)
            return act(tx)

        return await self._database.write(write, frees_space=frees_space)

    def _write(self, tx: Transaction, owner: str, body: CreateFact) -> Fact:
        if Facts(tx).count(owner) >= FACTS_PER_OWNER:
            raise TooManyFacts()
        now = self._clock()
        fact = Fact(
            id=new_id("mem"),
            owner=owner,
            text=body.text,
            kind=body.kind,
            priority=body.priority,
            status=PINNED if body.pinned else ACTIVE,
            valid_from=now,
            valid_to=None,
            superseded_by=None,
            edited_by=USER,
            created_at=now,
            updated_at=now,
        )
        Unwanted(tx, owner).lift(fact.text)
        Facts(tx).add(fact)
        FactChanges(tx).add(fact.id, now, USER, CREATED, None)
        return fact

    def _put(self, tx: Transaction, fact: Fact, before: Fact, change: str) -> None:
        """Nothing is noted where nothing changes, so that repeating an act is not another one."""
        if fact != before:
            now = self._clock()
            Facts(tx).update(replace(fact, updated_at=now))
            FactChanges(tx).add(fact.id, now, USER, change, before)

    def _supersede(self, tx: Transaction, old: Fact, successor: Fact) -> None:
        if old.id != successor.id:
            ended = replace(old, valid_to=max(old.valid_from, successor.valid_from), superseded_by=successor.id)
            self._put(tx, ended, old, SUPERSEDED)

    def _set_aside(self, tx: Transaction, owner: str, successor_id: str, superseded: Change) -> None:
        """What holds in the place of a fact that holds again, unless the user has seen to it since, is in doubt."""
        successor = _found(tx, owner, successor_id)
        while successor.superseded_by:
            successor = _found(tx, owner, successor.superseded_by)
        if successor.in_force and not FactChanges(tx).made_by_user_since(successor.id, superseded.number):
            self._put(tx, replace(successor, status=PROPOSED), successor, SET_ASIDE)


def _in_force_everywhere(tx: Transaction, owner: str, text: str) -> Fact | None:
    """The fact that says this, as one does that the user writes: not only where it was said."""
    across = Preferences(tx).of(owner).facts_across_conversations
    said = (fact for fact in Facts(tx).worded(owner, text) if fact.in_force)
    return next((fact for fact in said if across or not FactSources(tx).of(fact.id)), None)


def _found(tx: Transaction, owner: str, fact_id: str) -> Fact:
    fact = Facts(tx).find(owner, fact_id)
    if fact is None:
        raise FactNotFound()
    return fact


def _listed(tx: Transaction, owner: str, fact_id: str) -> ListedFact:
    listed = FactLists(tx).find(owner, fact_id)
    if listed is None:
        raise FactNotFound()
    return listed


def _standing(tx: Transaction, owner: str, fact_id: str) -> Fact:
    """A fact that may be changed: one that was superseded is history."""
    fact = _found(tx, owner, fact_id)
    if fact.valid_to is not None:
        raise FactSuperseded()
    return fact


def _replaceable(tx: Transaction, owner: str, fact_id: str) -> Fact:
    fact = Facts(tx).find(owner, fact_id)
    if fact is None:
        raise FactNotFound(param="replaces")
    if not fact.in_force:
        raise FactNotInForce(param="replaces")
    return fact


def _named(before: Fact, after: Fact) -> str:
    """What a change is called: by what was written, else by what was settled."""
    if (before.text, before.kind, before.priority) != (after.text, after.kind, after.priority):
        return EDITED
    return SETTLED.get(after.status) or UNSETTLED.get(before.status, "approved")
