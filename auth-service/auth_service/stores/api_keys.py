"""The API keys: a row is a key that was not revoked."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction

KEY_PREFIX = "key"
COLUMNS = "id, user_id, name, scopes, last_four, created_at, expires_at, last_used_at"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`scopes` are separated by spaces; times are unix seconds, `expires_at` None for one that never expires."""

    id: str
    user_id: str
    name: str
    scopes: str
    last_four: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None = None


class ApiKeys:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, key: ApiKey, key_hash: bytes) -> None:
        """`key_hash` is the SHA-256 of the secret."""
        self._tx.run(
            "insert into api_keys (id, user_id, name, scopes, hash, last_four, created_at, expires_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            key.id,
            key.user_id,
            key.name,
            key.scopes,
            key_hash,
            key.last_four,
            key.created_at,
            key.expires_at,
        )

    def get(self, user_id: str, key_id: str) -> ApiKey | None:
        query = f"select {COLUMNS} from api_keys where user_id = ? and id = ?"  # noqa: S608 - a constant
        row = self._tx.one(query, user_id, key_id)
        return ApiKey(**row) if row else None

    def page(self, user_id: str, *, after: str | None, order: Literal["asc", "desc"], count: int) -> list[ApiKey]:
        """Up to `count` keys of a user by age; `after` is the id that ended the page before."""
        beyond = ">" if order == "asc" else "<"
        rows = self._tx.all(
            f"select {COLUMNS} from api_keys"  # noqa: S608 - constants
            f" where user_id = :user_id and (:after is null or id {beyond} :after) order by id {order} limit :count",
            user_id=user_id,
            after=after,
            count=count,
        )
        return [ApiKey(**row) for row in rows]

    def with_hash(self, key_hash: bytes) -> ApiKey | None:
        """The key of that secret; None when its user may not sign in either."""
        return self._usable("hash", key_hash)

    def with_id(self, key_id: str) -> ApiKey | None:
        """The key, whosever it is; None when its user may not sign in either."""
        return self._usable("id", key_id)

    def count(self, user_id: str) -> int:
        return int(self._tx.value("select count(*) from api_keys where user_id = ?", user_id))

    def rename(self, user_id: str, key_id: str, name: str) -> bool:
        """False when the user has no such key."""
        return self._tx.run("update api_keys set name = ? where user_id = ? and id = ?", name, user_id, key_id) == 1

    def touch(self, key_id: str, used_at: int) -> None:
        """Remembers a use, unless a later one is known."""
        self._tx.run(
            "update api_keys set last_used_at = :at where id = :id and (last_used_at is null or last_used_at < :at)",
            at=used_at,
            id=key_id,
        )

    def remove(self, user_id: str, key_id: str) -> bool:
        """False when the user has no such key."""
        return self._tx.run("delete from api_keys where user_id = ? and id = ?", user_id, key_id) == 1

    def remove_expired(self, user_id: str, now: float) -> int:
        """How many there were."""
        return self._tx.run("delete from api_keys where user_id = ? and expires_at <= ?", user_id, now)

    def remove_all(self, user_id: str, made_before: float) -> list[str]:
        """The ids of those there were."""
        query = "delete from api_keys where user_id = ? and created_at < ? returning id"
        return [row["id"] for row in self._tx.all(query, user_id, made_before)]

    def _usable(self, column: Literal["id", "hash"], value: str | bytes) -> ApiKey | None:
        row = self._tx.one(
            f"select {COLUMNS} from api_keys"  # noqa: S608 - constants
            f" where {column} = ? and not exists"
            " (select 1 from users where users.id = api_keys.user_id and disabled_at is not null)",
            value,
        )
        return ApiKey(**row) if row else None
