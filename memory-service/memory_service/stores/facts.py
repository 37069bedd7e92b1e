"""Facts about the user and where they were said."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.database import Transaction

COLUMNS = "id, owner, conversation_id, branch, depth, text, kind, priority, status, valid_from, created_at"
ACTIVE = "active"
PROPOSED = "proposed"


@dataclass(frozen=True)
class Source:
    """Characters `quote_from` to `quote_to` of what the user said in a turn."""

    turn_id: str
    quote_from: int
    quote_to: int


@dataclass(frozen=True)
class Fact:
    """Something the user said; `branch` and `depth` are where its last source stands."""

    id: str
    owner: str
    conversation_id: str
    branch: int
    depth: int
    text: str
    kind: str
    priority: int
    status: str
    valid_from: float
    created_at: float
    sources: Sequence[Source] = field(default=())


@dataclass(frozen=True)
class Quote:
    """A source with its words, read from the turn itself."""

    turn_id: str
    text: str


class Facts:
    """Rows of `facts` and `fact_sources`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, fact: Fact) -> None:
        """Stores a fact with its sources."""
        self._tx.run(
            "insert into facts (id, owner, conversation_id, branch, depth, text, kind, priority, status, valid_from,"
            " created_at) values (:id, :owner, :conversation_id, :branch, :depth, :text, :kind, :priority, :status,"
            " :valid_from, :created_at)",
            **{name: value for name, value in vars(fact).items() if name != "sources"},
        )
        for source in fact.sources:
            self.add_source(fact.id, source)

    def add_source(self, fact_id: str, source: Source) -> None:
        """One more place where it was said."""
        self._tx.run(
            "insert into fact_sources (fact_id, turn_id, quote_from, quote_to) values (?, ?, ?, ?)"
            " on conflict do nothing",
            fact_id,
            source.turn_id,
            source.quote_from,
            source.quote_to,
        )

    def of_conversation(self, owner: str, conversation_id: str, limit: int) -> list[Fact]:
        """The facts in force, most important first, then newest; of every branch."""
        rows = self._tx.all(
            f"select {COLUMNS} from facts where owner = ? and conversation_id = ?"  # noqa: S608
            " and status in ('active', 'pinned') and valid_to is null"
            " order by status = 'pinned' desc, priority desc, id desc limit ?",
            owner,
            conversation_id,
            limit,
        )
        return [Fact(**row) for row in rows]

    def said_in(self, turn_ids: Sequence[str]) -> list[Fact]:
        """The facts that have a source in any of the turns, each with all its sources; in force or not."""
        rows = self._tx.all(
            f"select {COLUMNS} from facts where id in (select s.fact_id from json_each(?) as turn"  # noqa: S608
            " join fact_sources as s on s.turn_id = turn.value) order by id",
            json.dumps(list(turn_ids)),
        )
        return [Fact(**row, sources=self._sources(row["id"])) for row in rows]

    def take_source(self, fact_id: str, turn_id: str) -> None:
        """It does not count as said there any more."""
        self._tx.run("delete from fact_sources where fact_id = ? and turn_id = ?", fact_id, turn_id)

    def move(self, fact_id: str, branch: int, depth: int) -> None:
        """It counts as said first in another turn."""
        self._tx.run("update facts set branch = ?, depth = ? where id = ?", branch, depth, fact_id)

    def drop(self, fact_id: str) -> None:
        """Deletes one, with its sources."""
        self._tx.run("update facts set superseded_by = null where superseded_by = ?", fact_id)
        self._tx.run("delete from facts where id = ?", fact_id)

    def quotes(self, fact_id: str) -> list[Quote]:
        """Where a fact was said, in the user's own words."""
        rows = self._tx.all(
            "select s.turn_id, s.quote_from, s.quote_to, t.user_text"
            " from fact_sources as s join turns as t on t.id = s.turn_id where s.fact_id = ? order by s.turn_id",
            fact_id,
        )
        # SQLite's own `substr` ends at a NUL.
        return [Quote(row["turn_id"], row["user_text"][row["quote_from"] : row["quote_to"]]) for row in rows]

    def give(self, conversation_id: str, into: str) -> int:
        """Makes them another owner's; returns how many."""
        return self._tx.run("update facts set owner = ? where conversation_id = ?", into, conversation_id)

    def erase(self, conversation_id: str) -> int:
        """Deletes them all, their sources too; returns how many."""
        self._tx.run("update facts set superseded_by = null where conversation_id = ?", conversation_id)
        return self._tx.run("delete from facts where conversation_id = ?", conversation_id)

    def _sources(self, fact_id: str) -> list[Source]:
        rows = self._tx.all(
            "select turn_id, quote_from, quote_to from fact_sources where fact_id = ? order by turn_id", fact_id
        )
        return [Source(**row) for row in rows]
