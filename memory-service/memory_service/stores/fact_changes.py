"""What happened to facts: the newest changes of each, with what was there before, so that they can be taken back."""

import json
from dataclasses import dataclass, fields
from typing import Any

from chassis.database import Row, Transaction
from memory_service.stores.facts import USER, Fact

MOST_CHANGES = 100
"""Kept of a fact: a user who goes on changing one does not fill the file."""
FOLD = "fold"
CREATED = "created"
SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Former:
    """A fact as it was before a change."""

    text: str
    kind: str
    priority: int
    status: str
    valid_from: float
    valid_to: float | None
    superseded_by: str | None
    edited_by: str | None


@dataclass(frozen=True)
class Change:
    """One change; `before` is None where the fact was made."""

    number: int
    at: float
    actor: str
    change: str
    before: Former | None


class FactChanges:
    """Rows of `fact_changes`; whoever asks has found the fact with its owner. They go with their fact."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, fact_id: str, at: float, actor: str, change: str, before: Fact | None) -> None:
        """Notes a change; of very many the oldest go."""
        self._tx.run(
            "insert into fact_changes (fact_id, at, actor, change, before) values (?, ?, ?, ?, ?)",
            fact_id,
            at,
            actor,
            change,
            json.dumps({each.name: getattr(before, each.name) for each in fields(Former)}) if before else None,
        )
        self._tx.run(
            "delete from fact_changes where fact_id = :fact and number <="
            " (select number from fact_changes where fact_id = :fact order by number desc limit 1 offset :kept)",
            fact=fact_id,
            kept=MOST_CHANGES,
        )

    def of(self, fact_id: str) -> list[Change]:
        """All that are kept, newest first."""
        rows = self._tx.all(
            "select number, at, actor, change, before from fact_changes where fact_id = ? order by number desc", fact_id
        )
        return [_change(row) for row in rows]

    def former_texts(self, owner: str) -> list[tuple[str, str]]:
        """What the owner's facts said before they said something else, each with the fact's id."""
        rows = self._tx.all(
            "select distinct c.fact_id, c.before ->> '$.text' as text from facts as f"
            " join fact_changes as c on c.fact_id = f.id where f.owner = ? and c.before ->> '$.text' <> f.text",
            owner,
        )
        return [(row["fact_id"], row["text"]) for row in rows]

    def newest(self, fact_id: str) -> Change | None:
        """The last thing that happened to it."""
        row = self._tx.one(
            "select number, at, actor, change, before from fact_changes where fact_id = ? order by number desc limit 1",
            fact_id,
        )
        return _change(row) if row else None

    def drop(self, number: int) -> None:
        """It counts as never made."""
        self._tx.run("delete from fact_changes where number = ?", number)

    def forget_texts_before(self, fact_id: str, text: str) -> None:
        """What the fact said before it said this cannot be taken back any more."""
        self._tx.run(
            "delete from fact_changes where fact_id = :fact and number <= (select max(number) from fact_changes"
            " where fact_id = :fact and before ->> '$.text' <> :text)",
            fact=fact_id,
            text=text,
        )

    def made_by_user_since(self, fact_id: str, number: int) -> bool:
        """Whether a user changed the fact after that change, of whichever fact it was."""
        return bool(
            self._tx.one(
                "select 1 from fact_changes where fact_id = ? and number > ? and actor = ? limit 1",
                fact_id,
                number,
                USER,
            )
        )


def _change(row: Row) -> Change:
    values: dict[str, Any] = {**row, "before": Former(**json.loads(row["before"])) if row["before"] else None}
    return Change(**values)
