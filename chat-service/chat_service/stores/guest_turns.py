"""The `guest_turns` table: how many turns each guest has had."""

from chassis.database import Transaction


class GuestTurns:
    """A guest has a row from its first turn until it becomes part of an account."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def used(self, owner: str) -> int:
        """How many; 0 for whoever is no guest."""
        return self._tx.value("select used from guest_turns where owner = ?", owner) or 0

    def take(self, owner: str, limit: int) -> bool:
        """Counts one more; False, and nothing counted, when there were `limit` already."""
        if limit < 1:
            return False
        return bool(
            self._tx.run(
                "insert into guest_turns (owner, used) values (:owner, 1)"
                " on conflict (owner) do update set used = used + 1 where used < :limit",
                owner=owner,
                limit=limit,
            )
        )

    def give_back(self, owner: str) -> None:
        """Takes one from the count; changes nothing for whoever has none."""
        self._tx.run("update guest_turns set used = used - 1 where owner = ? and used > 0", owner)

    def forget(self, owner: str) -> int:
        """For a guest who is no guest any more; returns how many rows there were."""
        return self._tx.run("delete from guest_turns where owner = ?", owner)
