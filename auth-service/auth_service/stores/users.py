"""The people, guests included."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Row, Transaction

Role = Literal["user", "guest", "operator"]
COLUMNS = "id, role, email, username, password_hash, created_at, email_verified_at, picture, disabled_at, merged_into"


@dataclass(frozen=True, slots=True)
class User:
    """Times are unix seconds. `merged_into` is the account that has what this guest made."""

    id: str
    role: Role
    email: str | None
    username: str | None
    password_hash: str | None
    created_at: int
    email_verified_at: int | None = None
    picture: str | None = None
    disabled_at: int | None = None
    merged_into: str | None = None


class Users:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, user: User) -> bool:
        """Keeps a new user; False when the e-mail address is taken."""
        added = self._tx.run(
            "insert into users (id, role, email, username, password_hash, created_at, email_verified_at, picture)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (email) do nothing",
            user.id,
            user.role,
            user.email,
            user.username,
            user.password_hash,
            user.created_at,
            user.email_verified_at,
            user.picture,
        )
        return added == 1

    def get(self, user_id: str) -> User | None:
        return _user(self._tx.one(f"select {COLUMNS} from users where id = ?", user_id))  # noqa: S608 - a constant

    def with_email(self, email: str) -> User | None:
        """The user of a normalised address."""
        return _user(self._tx.one(f"select {COLUMNS} from users where email = ?", email))  # noqa: S608 - a constant

    def replace_password_hash(self, user_id: str, *, old: str | None, new: str) -> bool:
        """False when the hash is not `old` any more, or the user is gone. None is that of who has no password."""
        changed = self._tx.run(
            "update users set password_hash = ? where id = ? and password_hash is not distinct from ?",
            new,
            user_id,
            old,
        )
        return changed == 1

    def change_email(self, user_id: str, email: str, *, verified_at: int | None) -> bool:
        """False when another user has that address."""
        changed = self._tx.run(
            "update users set email = :email, email_verified_at = :verified_at"
            " where id = :id and not exists (select 1 from users as other where other.email = :email)",
            id=user_id,
            email=email,
            verified_at=verified_at,
        )
        return changed == 1

    def verify_email(self, user_id: str, email: str, at: int) -> bool:
        """False when that is not the user's address any more; the first time counts."""
        verified = self._tx.run(
            "update users set email_verified_at = coalesce(email_verified_at, ?) where id = ? and email = ?",
            at,
            user_id,
            email,
        )
        return verified == 1

    def change_profile(self, user_id: str, *, username: str | None, picture: str | None) -> None:
        self._tx.run("update users set username = ?, picture = ? where id = ?", username, picture, user_id)

    def set_disabled(self, user_id: str, at: int | None) -> bool:
        """False when it is as it was: disabled, or not."""
        changed = self._tx.run(
            "update users set disabled_at = :at where id = :id and (disabled_at is null) <> (:at is null)",
            at=at,
            id=user_id,
        )
        return changed == 1

    def set_role(self, user_id: str, role: Role) -> None:
        self._tx.run("update users set role = ? where id = ?", role, user_id)

    def mark_merged(self, guest_id: str, into: str) -> bool:
        """False when this is no guest, or one that was merged before."""
        marked = self._tx.run(
            "update users set merged_into = ? where id = ? and role = 'guest' and merged_into is null", into, guest_id
        )
        return marked == 1

    def lapsed_guests(self, now: float, limit: int) -> list[str]:
        """Ids of guests who can never come back: none of their sessions holds. One who was disabled is kept."""
        rows = self._tx.all(
            "select id from users where role = 'guest' and merged_into is null and disabled_at is null and not exists"
            " (select 1 from sessions where user_id = users.id and ended_at is null and expires_at > :now)"
            " order by id limit :limit",
            now=now,
            limit=limit,
        )
        return [row["id"] for row in rows]

    def remove_merged(self, merged_before: float) -> int:
        """Drops what is left of guests who became accounts long ago; returns how many."""
        return self._tx.run(
            "delete from users where merged_into is not null"
            " and exists (select 1 from sagas where sagas.owner = users.id and sagas.created_at < ?)",
            merged_before,
        )

    def remove(self, user_id: str) -> bool:
        """With sessions, identities, keys, mail tokens, and the guests it was; False when there is no such user."""
        self._tx.run("delete from users where merged_into = ?", user_id)
        return self._tx.run("delete from users where id = ?", user_id) == 1


def _user(row: Row | None) -> User | None:
    return User(**row) if row else None
