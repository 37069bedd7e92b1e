"""Mails that are owed, until they are sent or given up."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction

MailKind = Literal[
    "sign_up", "verify_email", "reset_password", "change_email", "password_changed", "password_reset", "email_changed"
]
COLUMNS = "id, kind, email, user_id, pending_id, session_id, tries, created_at"


@dataclass(frozen=True, slots=True)
class Mail:
    """`session_id` is the session that asked for it, where one did; `created_at` is in unix seconds."""

    id: str
    kind: MailKind
    email: str
    user_id: str | None
    pending_id: str | None
    session_id: str | None
    created_at: float
    tries: int = 0


class Mails:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, mail: Mail) -> None:
        self._tx.run(
            "insert into mails (id, kind, email, user_id, pending_id, session_id, next_try_at, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            mail.id,
            mail.kind,
            mail.email,
            mail.user_id,
            mail.pending_id,
            mail.session_id,
            mail.created_at,
            mail.created_at,
        )

    def due(self, now: float, limit: int, *, longest_pause: float) -> list[Mail]:
        """Those whose time has come, the longest overdue first.

        One put off beyond `longest_pause` (seconds) was so by a clock that was put back since: it is due too.
        """
        rows = self._tx.all(
            f"select {COLUMNS} from mails where next_try_at <= :now or next_try_at > :now + :longest_pause"  # noqa: S608
            " order by next_try_at, id limit :limit",
            now=now,
            limit=limit,
            longest_pause=longest_pause,
        )
        return [Mail(**row) for row in rows]

    def is_owed(self, mail_id: str) -> bool:
        return self._tx.value("select 1 from mails where id = ?", mail_id) is not None

    def postpone(self, mail_id: str, next_try_at: float) -> None:
        self._tx.run("update mails set tries = tries + 1, next_try_at = ? where id = ?", next_try_at, mail_id)

    def remove(self, mail_id: str) -> None:
        self._tx.run("delete from mails where id = ?", mail_id)

    def remove_to(self, email: str, kind: MailKind | None = None) -> None:
        """Takes back what is owed to an address: mails of that kind, or all."""
        self._tx.run(
            "delete from mails where email = :email and (:kind is null or kind = :kind)", email=email, kind=kind
        )

    def remove_of(self, user_id: str, kind: MailKind) -> None:
        """Takes back mails of that kind that a user asked for."""
        self._tx.run("delete from mails where user_id = ? and kind = ?", user_id, kind)
