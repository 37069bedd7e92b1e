"""Where facts were said: turns, and what of the user's words in them."""

from dataclasses import dataclass

from chassis.database import Transaction


@dataclass(frozen=True)
class Source:
    """Characters `quote_from` to `quote_to` of what the user said in a turn."""

    turn_id: str
    quote_from: int
    quote_to: int


@dataclass(frozen=True)
class Quote:
    """A source with its words, read from the turn itself, and where that turn stands."""

    turn_id: str
    branch: int
    depth: int
    text: str


class FactSources:
    """Rows of `fact_sources`. A fact without any is the user's own."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, fact_id: str, source: Source) -> None:
        """One more place where it was said."""
        self._tx.run(
            "insert into fact_sources (fact_id, turn_id, quote_from, quote_to) values (?, ?, ?, ?)"
            " on conflict do nothing",
            fact_id,
            source.turn_id,
            source.quote_from,
            source.quote_to,
        )

    def of(self, fact_id: str) -> list[Source]:
        """Where it was said, as offsets."""
        rows = self._tx.all(
            "select turn_id, quote_from, quote_to from fact_sources where fact_id = ? order by turn_id", fact_id
        )
        return [Source(**row) for row in rows]

    def quotes(self, fact_id: str) -> list[Quote]:
        """Where it was said, in the user's own words, oldest turn first."""
        rows = self._tx.all(
            "select s.turn_id, s.quote_from, s.quote_to, t.branch, t.depth, t.user_text"
            " from fact_sources as s join turns as t on t.id = s.turn_id where s.fact_id = ? order by t.number",
            fact_id,
        )
        return [
            Quote(
                turn_id=row["turn_id"],
                branch=row["branch"],
                depth=row["depth"],
                text=row["user_text"][row["quote_from"] : row["quote_to"]],  # SQLite's own `substr` ends at a NUL
            )
            for row in rows
        ]

    def any_in(self, fact_id: str, conversation_id: str) -> bool:
        """Whether it has a source in the conversation."""
        row = self._tx.one(
            "select 1 as found from fact_sources as s join turns as t on t.id = s.turn_id"
            " where s.fact_id = ? and t.conversation_id = ? limit 1",
            fact_id,
            conversation_id,
        )
        return row is not None

    def drop(self, fact_id: str, turn_id: str) -> None:
        """It does not count as said there any more."""
        self._tx.run("delete from fact_sources where fact_id = ? and turn_id = ?", fact_id, turn_id)

    def drop_all_in(self, fact_id: str, conversation_id: str) -> None:
        """It does not count as said in that conversation any more."""
        self._tx.run(
            "delete from fact_sources where fact_id = ? and exists"
            " (select 1 from turns where id = fact_sources.turn_id and conversation_id = ?)",
            fact_id,
            conversation_id,
        )
