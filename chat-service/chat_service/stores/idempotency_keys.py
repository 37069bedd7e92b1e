"""The `idempotency_keys` table: which request a user's key stands for."""

from chassis.database import Row, Transaction


class IdempotencyKeys:
    """A key belongs to its owner: the same key of two users is two keys."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str, key: str) -> Row | None:
        """`body_hash` and `response_id` of the request that first came with the key."""
        return self._tx.one(
            "select body_hash, response_id from idempotency_keys where owner = ? and key = ?", owner, key
        )

    def add(self, owner: str, key: str, body_hash: str, response_id: str, now: float) -> None:
        """Binds a key to a request."""
        self._tx.run(
            "insert into idempotency_keys (owner, key, body_hash, response_id, created_at) values (?, ?, ?, ?, ?)",
            owner,
            key,
            body_hash,
            response_id,
            now,
        )

    def give(self, owner: str, into: str) -> int:
        """Makes the keys of `owner` those of `into`, which keeps its own where both have one; returns how many."""
        self._tx.run(
            "delete from idempotency_keys"
            " where owner = :owner and key in (select key from idempotency_keys where owner = :into)",
            owner=owner,
            into=into,
        )
        return self._tx.run("update idempotency_keys set owner = ? where owner = ?", into, owner)

    def erase_all(self, owner: str) -> int:
        """Forgets all of an owner; returns how many there were."""
        return self._tx.run("delete from idempotency_keys where owner = ?", owner)

    def drop_older_than(self, moment: float) -> int:
        """Forgets keys bound before; returns how many."""
        return self._tx.run("delete from idempotency_keys where created_at < ?", moment)
