"""The sessions: each is one family of refresh tokens."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction

EndReason = Literal["signed_out", "reused"]


@dataclass(frozen=True, slots=True)
class Session:
    """`family_key` is sealed; `counter` is that of the one refresh token that is good now; times are unix seconds."""

    id: str
    user_id: str
    family_key: bytes
    counter: int
    rotated_at: int
    user_agent: str | None
    created_at: int
    last_used_at: int
    expires_at: int
    ended_at: int | None = None

    def is_open(self, now: float) -> bool:
        return self.ended_at is None and self.expires_at > now


class Sessions:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, session: Session) -> None:
        self._tx.run(
            "insert into sessions"
            " (id, user_id, family_key, counter, rotated_at, user_agent, created_at, last_used_at, expires_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            session.id, session.user_id, session.family_key, session.counter, session.rotated_at,
            session.user_agent, session.created_at, session.last_used_at, session.expires_at,
        )  # fmt: skip

    def get(self, session_id: str) -> Session | None:
        row = self._tx.one(
            "select id, user_id, family_key, counter, rotated_at, user_agent, created_at, last_used_at, expires_at,"
            "       ended_at"
            "  from sessions where id = ?",
            session_id,
        )
        return Session(**row) if row else None

    def advance(self, session_id: str, *, counter: int, family_key: bytes, now: int, expires_at: int) -> bool:
        """Moves an open session from `counter` to the next; False when it is not at `counter`, or not open."""
        moved = self._tx.run(
            "update sessions"
            "   set counter = counter + 1, family_key = :family_key, rotated_at = :now, last_used_at = :now,"
            "       expires_at = :expires_at"
            " where id = :id and counter = :counter and ended_at is null and expires_at > :now",
            id=session_id, counter=counter, family_key=family_key, now=now, expires_at=expires_at,
        )  # fmt: skip
        return moved == 1

    def end(self, session_id: str, *, reason: EndReason, now: int) -> bool:
        """False when it had ended already."""
        ended = self._tx.run(
            "update sessions set ended_at = ?, ended_reason = ? where id = ? and ended_at is null",
            now, reason, session_id,
        )  # fmt: skip
        return ended == 1
