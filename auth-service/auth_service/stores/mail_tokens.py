"""What links in mails stand for. Each is good once, for a time, and only until something overtakes it."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Row, Transaction

Purpose = Literal["sign_up", "verify_email", "change_email", "reset_password"]
COLUMNS = "hash, purpose, user_id, pending_id, session_id, email, expires_at"


@dataclass(frozen=True, slots=True)
class MailToken:
    """`email` is the address that the mail went to: whoever has the token has that mailbox."""

    hash: bytes
    purpose: Purpose
    user_id: str | None
    pending_id: str | None
    session_id: str | None
    email: str
    expires_at: int


class MailTokens:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, token: MailToken) -> None:
        self._tx.run(
            "insert into mail_tokens (hash, purpose, user_id, pending_id, session_id, email, expires_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            token.hash,
            token.purpose,
            token.user_id,
            token.pending_id,
            token.session_id,
            token.email,
            token.expires_at,
        )

    def find(self, token_hash: bytes, now: float) -> MailToken | None:
        """The token if it is good at the moment; only `take` makes sure that nobody else uses it."""
        query = f"select {COLUMNS} from mail_tokens where hash = ? and expires_at > ?"  # noqa: S608 - a constant
        return _token(self._tx.one(query, token_hash, now))

    def take(self, token_hash: bytes, purpose: Purpose, now: float) -> MailToken | None:
        """Uses it up; None when it is not good any more, or never was for that."""
        return _token(
            self._tx.one(
                f"delete from mail_tokens where hash = ? and purpose = ? and expires_at > ? returning {COLUMNS}",  # noqa: S608
                token_hash,
                purpose,
                now,
            )
        )

    def remove_of(self, user_id: str, purpose: Purpose) -> None:
        """Makes a user's links for that purpose worthless."""
        self._tx.run("delete from mail_tokens where user_id = ? and purpose = ?", user_id, purpose)

    def remove_expired(self, now: float) -> None:
        self._tx.run("delete from mail_tokens where expires_at <= ?", now)


def _token(row: Row | None) -> MailToken | None:
    return MailToken(**row) if row else None
