"""What was erased and the file still has to be written anew for."""

from chassis.database import Transaction


class Erasures:
    """Rows of `erasures`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, now: float) -> None:
        """Something was erased in this transaction."""
        self._tx.run("insert into erasures (erased_at) values (?)", now)

    def last(self) -> int | None:
        """The newest one; None when there is none."""
        last: int | None = self._tx.value("select max(number) as last from erasures")
        return last

    def done(self, through: int) -> None:
        """The file was written anew after these."""
        self._tx.run("delete from erasures where number <= ?", through)
