"""Whose rows are whose once accounts are merged or erased: auth says it once, every later write and event asks here."""

import json
from typing import Protocol

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock, system_clock
from chassis.database import Database, Transaction
from chassis.policies import Service
from chassis.problems import Conflict, Unauthenticated

MERGE_PATH = "/internal/owners/merge"
ERASE_PATH = "/internal/owners/erase"

Counts = dict[str, int]
"""How many of what: `{"conversations": 3}`."""


class OwnerDepartedOtherwise(Conflict):
    code = "owner_departed_otherwise"
    detail = "This owner was merged into another account, or erased, before."


class Owners:
    """Rows of `departed_owners`. An owner departs once: merged into an account, or erased."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def present(self, owner: str) -> str:
        """Whose the rows of `owner` are now: itself, the account it was merged into, or a pseudonym."""
        while row := self._tx.one("select successor from departed_owners where owner = ?", owner):
            owner = row["successor"]
        return owner

    def successor(self, owner: str, into: str) -> str:
        """Whose rows those of `owner` become when it departs now. Raises `OwnerDepartedOtherwise` for a loop."""
        successor = self.present(into)
        if successor == owner:
            raise OwnerDepartedOtherwise("An owner cannot become its own successor.")
        return successor

    def is_erased(self, owner: str) -> bool:
        """Whether the owner, or the account it was merged into, is gone for good."""
        while row := self._tx.one("select reason, successor from departed_owners where owner = ?", owner):
            if row["reason"] == "erased":
                return True
            owner = row["successor"]
        return False

    def refuse_departed(self, owner: str) -> None:
        """For whatever a caller makes or changes: raises `Unauthenticated` when the account behind a token is gone."""
        if self._tx.one("select 1 from departed_owners where owner = ?", owner):
            raise Unauthenticated()

    def counts(self, owner: str, reason: str, successor: str) -> Counts | None:
        """What an earlier departure counted; None when there was none. Raises `OwnerDepartedOtherwise`."""
        row = self._tx.one("select reason, successor, counts from departed_owners where owner = ?", owner)
        if row is None:
            return None
        if (row["reason"], row["successor"]) != (reason, successor):
            raise OwnerDepartedOtherwise()
        found: Counts = json.loads(row["counts"])
        return found

    def is_scrubbed(self, owner: str) -> bool:
        """Whether the file was written anew since the owner's rows went."""
        return self._tx.value("select scrubbed_at from departed_owners where owner = ?", owner) is not None

    def mark_scrubbed(self, owner: str, now: float) -> None:
        """For good."""
        self._tx.run("update departed_owners set scrubbed_at = ? where owner = ?", now, owner)

    def depart(self, owner: str, reason: str, successor: str, counts: Counts, now: float) -> None:
        """Remembers it for good."""
        self._tx.run(
            "insert into departed_owners (owner, reason, successor, counts, departed_at) values (?, ?, ?, ?, ?)",
            owner,
            reason,
            successor,
            json.dumps(counts),
            now,
        )


class Holdings(Protocol):
    """All that a service holds of an owner."""

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """Every row of `owner` becomes one of `into`."""
        ...

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """Nothing of `owner` stays; what has to be kept (what was spent) is kept under the pseudonym."""
        ...

    async def erased(self, owner: str) -> None:
        """After the rows, for good: files on disk, streams that run. Called again when the erasure is repeated."""
        ...


class Estates:
    """Carries out what auth decides about owners; each decision takes effect once, however often it arrives."""

    def __init__(self, database: Database, holdings: Holdings, clock: Clock = system_clock) -> None:
        self._database = database
        self._holdings = holdings
        self._clock = clock

    async def merge(self, owner: str, into: str) -> Counts:
        """Gives everything to another owner. Raises `OwnerDepartedOtherwise`.

        If that one is erased already, this one is too: which of the two decisions arrives first makes no difference.
        """

        def write(tx: Transaction) -> tuple[Counts, bool]:
            owners = Owners(tx)
            is_erased = owners.is_erased(into)
            counts = owners.counts(owner, "merged", into)
            if counts is None:
                successor = owners.successor(owner, into)
                hand_over = self._holdings.erase if is_erased else self._holdings.give
                counts = hand_over(tx, owner, successor)
                owners.depart(owner, "merged", into, counts, self._clock())
            return counts, is_erased

        counts, is_erased = await self._database.write(write, frees_space=True)
        if is_erased:
            await self._leave_nothing(owner)
        return counts

    async def erase(self, owner: str, pseudonym: str) -> Counts:
        """Erases everything, from every page of every file too. Raises `OwnerDepartedOtherwise`."""

        def write(tx: Transaction) -> Counts:
            owners = Owners(tx)
            counts = owners.counts(owner, "erased", pseudonym)
            if counts is None:
                counts = self._holdings.erase(tx, owner, owners.successor(owner, pseudonym))
                owners.depart(owner, "erased", pseudonym, counts, self._clock())
            return counts

        counts = await self._database.write(write, frees_space=True)
        await self._leave_nothing(owner)
        return counts

    async def _leave_nothing(self, owner: str) -> None:
        """Gone through again with every repetition, until it was gone through to its end once."""
        await self._holdings.erased(owner)
        if not await self._database.read(lambda tx: Owners(tx).is_scrubbed(owner)):
            await self._database.scrub()
            await self._database.write(lambda tx: Owners(tx).mark_scrubbed(owner, self._clock()), frees_space=True)


class Merge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: str = Field(min_length=1, max_length=64)
    into: str = Field(min_length=1, max_length=64)


class Erase(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: str = Field(min_length=1, max_length=64)
    pseudonym: str = Field(min_length=1, max_length=64)


class Departure(BaseModel):
    """What was given over or erased here."""

    counts: Counts


def owners_router() -> APIRouter:
    """What auth tells about owners; the lifespan puts the `Estates` at `app.state.estates`."""
    router = APIRouter(tags=["owners"], dependencies=[Depends(Service(("auth",)))])

    @router.post(MERGE_PATH, operation_id="merge_owner")
    async def merge_owner(body: Merge, request: Request) -> Departure:
        """Gives all that `owner` has to `into`; repeating it changes nothing."""
        estates: Estates = request.app.state.estates
        return Departure(counts=await estates.merge(body.owner, body.into))

    @router.post(ERASE_PATH, operation_id="erase_owner")
    async def erase_owner(body: Erase, request: Request) -> Departure:
        """Erases all that `owner` has; repeating it changes nothing."""
        estates: Estates = request.app.state.estates
        return Departure(counts=await estates.erase(body.owner, body.pseudonym))

    return router
