"""Sign-ups that wait for their mail to be answered. None of them keeps anybody out of an address."""

from dataclasses import dataclass

from chassis.database import Row, Transaction

COLUMNS = "id, email, username, password_hash, created_at, expires_at"


@dataclass(frozen=True, slots=True)
class PendingSignUp:
    """Times are unix seconds."""

    id: str
    email: str
    username: str
    password_hash: str
    created_at: int
    expires_at: int


class PendingSignUps:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def keep(self, pending: PendingSignUp) -> None:
        """A new one, or one that is repeated: its links stay good."""
        self._tx.run(
            "insert into pending_sign_ups (id, email, username, password_hash, created_at, expires_at)"
            " values (?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set username = excluded.username, password_hash = excluded.password_hash,"
            " created_at = excluded.created_at, expires_at = excluded.expires_at",
            pending.id,
            pending.email,
            pending.username,
            pending.password_hash,
            pending.created_at,
            pending.expires_at,
        )

    def get(self, pending_id: str, now: float) -> PendingSignUp | None:
        """None also when it has expired."""
        return _pending(
            self._tx.one(
                f"select {COLUMNS} from pending_sign_ups where id = ? and expires_at > ?",  # noqa: S608 - a constant
                pending_id,
                now,
            )
        )

    def newest(self, email: str, now: float) -> PendingSignUp | None:
        """The latest one for an address that has not expired."""
        return _pending(
            self._tx.one(
                f"select {COLUMNS} from pending_sign_ups"  # noqa: S608 - a constant
                " where email = ? and expires_at > ? order by created_at desc, id desc limit 1",
                email,
                now,
            )
        )

    def count(self, email: str, now: float) -> int:
        """How many of an address have not expired."""
        query = "select count(*) from pending_sign_ups where email = ? and expires_at > ?"
        return int(self._tx.value(query, email, now))

    def remove(self, pending_id: str) -> None:
        """With its links, and its mails that have not left."""
        self._tx.run("delete from pending_sign_ups where id = ?", pending_id)

    def remove_to(self, email: str) -> None:
        """All of an address, likewise."""
        self._tx.run("delete from pending_sign_ups where email = ?", email)

    def remove_expired(self, now: float) -> None:
        self._tx.run("delete from pending_sign_ups where expires_at <= ?", now)


def _pending(row: Row | None) -> PendingSignUp | None:
    return PendingSignUp(**row) if row else None
