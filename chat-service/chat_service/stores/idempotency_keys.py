"""The `idempotency_keys` table: which request a user's key stands for, and what it made."""

from dataclasses import dataclass

from chassis.database import Transaction


@dataclass(frozen=True)
class BoundKey:
    """`result_id` is of a response or a conversation; one that is not kept is erased at its end."""

    request_hash: str
    result_id: str
    is_kept: bool


class IdempotencyKeys:
    """A key belongs to its owner: the same key of two users is two keys."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str, key: str) -> BoundKey | None:
        """What the key stands for."""
        row = self._tx.one(
            "select body_hash, result_id, is_kept from idempotency_keys where owner = ? and key = ?", owner, key
        )
        return BoundKey(row["body_hash"], row["result_id"], bool(row["is_kept"])) if row else None

    def add(self, owner: str, key: str, bound: BoundKey, now: float) -> None:
        """Binds a key."""
        self._tx.run(
            "insert into idempotency_keys (owner, key, body_hash, result_id, is_kept, created_at)"
            " values (?, ?, ?, ?, ?, ?)",
            owner,
            key,
            bound.request_hash,
            bound.result_id,
            bound.is_kept,
            now,
        )

    def free(self, result_id: str) -> None:
        """Forgets the key of what came to nothing: it may be used again."""
        self._tx.run("delete from idempotency_keys where result_id = ?", result_id)

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
