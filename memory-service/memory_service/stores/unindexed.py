"""Turns that have yet to be put into the index."""

from chassis.database import Transaction


class Unindexed:
    """Rows of `unindexed`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def take(self, count: int) -> list[int]:
        """Numbers of some turns, newest first; they count as indexed once the transaction is committed."""
        rows = self._tx.all(
            "delete from unindexed where turn in (select turn from unindexed order by turn desc limit ?)"
            " returning turn",
            count,
        )
        return [row["turn"] for row in rows]

    def of(self, owner: str) -> list[str]:
        """Ids of the owner's turns among them."""
        rows = self._tx.all(
            "select t.id from unindexed as u join turns as t on t.number = u.turn where t.owner = ?", owner
        )
        return [row["id"] for row in rows]
