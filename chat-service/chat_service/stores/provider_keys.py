"""The `provider_keys` table: users' own keys, sealed."""

from dataclasses import dataclass
from typing import NamedTuple

from chassis.database import Row, Transaction


class SealedKey(NamedTuple):
    """A key as it is kept; `secret_id` names the secret that it was sealed under."""

    ciphertext: bytes
    nonce: bytes
    salt: bytes
    secret_id: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row."""

    owner: str
    sealed: SealedKey
    last_four: str
    created_at: float


COLUMNS = "owner, ciphertext, nonce, salt, secret_id, last_four, created_at"


class ProviderKeyRows:
    """At most one for each owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str) -> StoredKey | None:
        """The owner's key."""
        row = self._tx.one(f"select {COLUMNS} from provider_keys where owner = ?", owner)  # noqa: S608 - a constant
        return _stored(row) if row else None

    def put(self, key: StoredKey) -> None:
        """In the place of an earlier one."""
        self._tx.run(
            "insert into provider_keys (owner, ciphertext, nonce, salt, secret_id, last_four, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?)"
            " on conflict (owner) do update set ciphertext = excluded.ciphertext, nonce = excluded.nonce,"
            " salt = excluded.salt, secret_id = excluded.secret_id, last_four = excluded.last_four,"
            " created_at = excluded.created_at",
            key.owner,
            *key.sealed,
            key.last_four,
            key.created_at,
        )

    def sealed_otherwise(self, secret_id: str, after: str, limit: int) -> list[StoredKey]:
        """Keys under other secrets than this one, of owners behind `after`, in their order."""
        rows = self._tx.all(
            f"select {COLUMNS} from provider_keys"  # noqa: S608 - a constant
            " where owner > ? and secret_id <> ? order by owner limit ?",
            after,
            secret_id,
            limit,
        )
        return [_stored(row) for row in rows]

    def erase(self, owner: str) -> int:
        """Returns how many there were."""
        return self._tx.run("delete from provider_keys where owner = ?", owner)


def _stored(row: Row) -> StoredKey:
    sealed = SealedKey(row["ciphertext"], row["nonce"], row["salt"], row["secret_id"])
    return StoredKey(row["owner"], sealed, row["last_four"], row["created_at"])
