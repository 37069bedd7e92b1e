"""The people, guests included."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Row, Transaction

Role = Literal["user", "guest", "operator"]


@dataclass(frozen=True, slots=True)
class User:
    id: str
    role: Role
    email: str | None
    username: str | None
    password_hash: str | None
    created_at: int


class Users:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, user: User) -> bool:
        """Keeps a new user; False when the e-mail address is taken."""
        added = self._tx.run(
            "insert into users (id, role, email, username, password_hash, created_at)"
            " values (?, ?, ?, ?, ?, ?)"
            " on conflict (email) do nothing",
            user.id, user.role, user.email, user.username, user.password_hash, user.created_at,
        )  # fmt: skip
        return added == 1

    def get(self, user_id: str) -> User | None:
        row = self._tx.one(
            "select id, role, email, username, password_hash, created_at from users where id = ?", user_id
        )
        return _user(row)

    def with_email(self, email: str) -> User | None:
        """The user of a normalised address."""
        row = self._tx.one(
            "select id, role, email, username, password_hash, created_at from users where email = ?", email
        )
        return _user(row)

    def replace_password_hash(self, user_id: str, *, old: str, new: str) -> bool:
        """False when the hash is not `old` any more, or the user is gone."""
        changed = self._tx.run(
            "update users set password_hash = ? where id = ? and password_hash = ?", new, user_id, old
        )
        return changed == 1


def _user(row: Row | None) -> User | None:
    return User(**row) if row else None
