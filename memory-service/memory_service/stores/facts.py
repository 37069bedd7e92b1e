"""Facts about an owner."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from chassis.database import Transaction
from memory_service.stores.branches import Path
from memory_service.stores.fact_sources import FactSources, Source

COLUMNS = (
    "id, owner, text, kind, priority, status, valid_from, valid_to, superseded_by, edited_by, created_at, updated_at"
)
ACTIVE = "active"
PINNED = "pinned"
PROPOSED = "proposed"
REJECTED = "rejected"
FORGOTTEN = "forgotten"
USER = "user"
"""`edited_by` of what a user wrote or settled."""
FACTS_PER_OWNER = 5000

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

WANTED = "status in ('active', 'pinned')"
HOLDING = "valid_to is null"
BY_WORTH = "order by (status = 'pinned') desc, priority desc, id desc"


@dataclass(frozen=True)
class Fact:
    """Something the user said or wrote, from `valid_from` on; since `valid_to` another holds in its place, or none."""

    id: str
    owner: str
    text: str
    kind: str
    priority: int
    status: str
    valid_from: float
    valid_to: float | None
    superseded_by: str | None
    edited_by: str | None
    created_at: float
    updated_at: float

    @property
    def in_force(self) -> bool:
        """Whether it may stand in a context."""
        return self.status in (ACTIVE, PINNED) and self.valid_to is None

    @property
    def locked(self) -> bool:
        """Whether only the user changes it."""
        return self.edited_by == USER or self.status == PINNED

    @property
    def refused(self) -> bool:
        """Whether the user does not want it."""
        return self.status in (REJECTED, FORGOTTEN)

    @property
    def settled(self) -> bool:
        """Whether the user has seen to it: what it was made of makes no other fact."""
        return self.edited_by == USER or self.refused


class Facts:
    """Rows of `facts`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, fact: Fact, sources: Sequence[Source] = ()) -> None:
        """Stores a fact with its sources."""
        self._tx.run(
            "insert into facts (id, owner, text, wording, kind, priority, status, valid_from, valid_to, superseded_by,"
            " edited_by, created_at, updated_at) values (:id, :owner, :text, :wording, :kind, :priority, :status,"
            " :valid_from, :valid_to, :superseded_by, :edited_by, :created_at, :updated_at)",
            **_values(fact),
        )
        for source in sources:
            FactSources(self._tx).add(fact.id, source)

    def find(self, owner: str, fact_id: str) -> Fact | None:
        """The owner's fact; None when it is missing or someone else's."""
        row = self._tx.one(f"select {COLUMNS} from facts where id = ? and owner = ?", fact_id, owner)  # noqa: S608
        return Fact(**row) if row else None

    def update(self, fact: Fact) -> None:
        """Puts it in the place of the one with its id; `owner` and `created_at` stay as they are."""
        self._tx.run(
            "update facts set text = :text, wording = :wording, kind = :kind, priority = :priority, status = :status,"
            " valid_from = :valid_from, valid_to = :valid_to, superseded_by = :superseded_by, edited_by = :edited_by,"
            " updated_at = :updated_at where id = :id",
            **_values(fact),
        )

    def all_of(self, owner: str) -> list[Fact]:
        """Every fact of the owner, in force or not."""
        rows = self._tx.all(f"select {COLUMNS} from facts where owner = ? order by id", owner)  # noqa: S608
        return [Fact(**row) for row in rows]

    def texts(self, owner: str) -> dict[str, str]:
        """What each of the owner's facts says, by id."""
        rows = self._tx.all("select id, text from facts where owner = ? order by id", owner)
        return {row["id"]: row["text"] for row in rows}

    def count(self, owner: str) -> int:
        """How many the owner has, in force or not."""
        counted: int = self._tx.value("select count(*) from facts where owner = ?", owner)
        return counted

    def visible(self, owner: str, conversation_id: str, path: Path | None, limit: int, *, across: bool) -> list[Fact]:
        """The first of the owner's facts in force that a turn at the end of the path may know: by worth, then newest.

        Those said on the path, those that the user wrote, and with `across` those said in other conversations.
        """
        segments = path.segments if path else ()
        rows = self._tx.all(
            f"select {COLUMNS} from facts where owner = :owner and {WANTED} and {HOLDING}"  # noqa: S608
            " and (not exists (select 1 from fact_sources as s where s.fact_id = facts.id)"
            " or exists (select 1 from fact_sources as s join turns as t on t.id = s.turn_id where s.fact_id = facts.id"
            " and case when t.conversation_id <> :conversation_id then :across else exists (select 1"
            " from json_each(:path) as part where part.value ->> 0 = t.branch and part.value ->> 1 >= t.depth) end))"
            f" {BY_WORTH} limit :limit",
            owner=owner,
            conversation_id=conversation_id,
            across=across,
            path=json.dumps([(segment.branch, segment.upto) for segment in segments]),
            limit=limit,
        )
        return [Fact(**row) for row in rows]

    def worded(self, owner: str, text: str) -> list[Fact]:
        """The owner's facts that say this, but for case, spaces and a closing mark; in force or not, newest first."""
        rows = self._tx.all(
            f"select {COLUMNS} from facts where owner = ? and wording in (?, ?) order by +id desc",  # noqa: S608
            owner,
            _wording(text),
            _migrated_wording(text),
        )
        return [Fact(**row) for row in rows]

    def refused(self, owner: str) -> list[str]:
        """Texts of those that the owner rejected or had forgotten."""
        rows = self._tx.all("select text from facts where owner = ? and status in ('rejected', 'forgotten')", owner)
        return [row["text"] for row in rows]

    def said_in(self, turn_ids: Sequence[str]) -> list[Fact]:
        """The facts that have a source in any of the turns, whoever owns them; in force or not."""
        rows = self._tx.all(
            f"select {COLUMNS} from facts where id in (select s.fact_id from json_each(?) as turn"  # noqa: S608
            " join fact_sources as s on s.turn_id = turn.value) order by id",
            json.dumps(list(turn_ids)),
        )
        return [Fact(**row) for row in rows]

    def said_in_conversation(self, conversation_id: str) -> list[Fact]:
        """The facts that have a source in the conversation."""
        rows = self._tx.all(
            f"select {COLUMNS} from facts where id in (select s.fact_id from turns as t"  # noqa: S608
            " join fact_sources as s on s.turn_id = t.id where t.conversation_id = ?) order by id",
            conversation_id,
        )
        return [Fact(**row) for row in rows]

    def pass_over(self, fact_id: str) -> list[str]:
        """What it superseded is superseded by what superseded it, or else holds again: returns the ids of those."""
        rows = self._tx.all(
            "update facts set (superseded_by, valid_to) = (select superseded_by, valid_to from facts where id = :id)"
            " where superseded_by = :id returning id, valid_to",
            id=fact_id,
        )
        return [row["id"] for row in rows if row["valid_to"] is None]

    def drop(self, fact_id: str) -> None:
        """Deletes one, with its sources and changes."""
        self._tx.run("delete from facts where id = ?", fact_id)

    def give(self, owner: str, into: str) -> int:
        """Makes them another owner's; returns how many."""
        return self._tx.run("update facts set owner = ? where owner = ?", into, owner)

    def erase(self, owner: str) -> int:
        """Deletes all of the owner's, with sources and changes; returns how many."""
        self._tx.run("update facts set superseded_by = null where owner = ? and superseded_by is not null", owner)
        return self._tx.run("delete from facts where owner = ?", owner)


def _values(fact: Fact) -> dict[str, Any]:
    return {**vars(fact), "wording": _wording(fact.text)}


def _wording(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")


def _migrated_wording(text: str) -> str:
    """As migration 5 made it: SQLite's `lower` knows no letters but ASCII's."""
    return text.translate(_ASCII_LOWER).rstrip(".!")
