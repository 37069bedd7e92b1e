"""The sessions: each is one family of refresh tokens."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction

EndReason = Literal[
    "signed_out", "reused", "revoked", "displaced", "password_changed", "email_changed", "merged", "disabled", "deleted"
]
COLUMNS = (
    "id, user_id, family_key, counter, rotated_at, user_agent, address, created_at, last_used_at, expires_at, ended_at"
)


@dataclass(frozen=True, slots=True)
class Session:
    """`family_key` is sealed; `counter` is that of the one refresh token that is good now; times are unix seconds."""

    id: str
    user_id: str
    family_key: bytes
    counter: int
    rotated_at: int
    user_agent: str | None
    address: str | None
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
            " (id, user_id, family_key, counter, rotated_at, user_agent, address, created_at, last_used_at, expires_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            session.id,
            session.user_id,
            session.family_key,
            session.counter,
            session.rotated_at,
            session.user_agent,
            session.address,
            session.created_at,
            session.last_used_at,
            session.expires_at,
        )

    def get(self, session_id: str) -> Session | None:
        row = self._tx.one(f"select {COLUMNS} from sessions where id = ?", session_id)  # noqa: S608 - a constant
        return Session(**row) if row else None

    def open_of(self, user_id: str, now: float) -> list[Session]:
        """The user's sessions that hold, last used first."""
        rows = self._tx.all(
            f"select {COLUMNS} from sessions"  # noqa: S608 - a constant
            " where user_id = ? and ended_at is null and expires_at > ? order by last_used_at desc, id desc",
            user_id,
            now,
        )
        return [Session(**row) for row in rows]

    def page(
        self, user_id: str, now: float, *, after: str | None, order: Literal["asc", "desc"], count: int
    ) -> list[Session]:
        """Up to `count` of the user's sessions that hold, by age; `after` is the id that ended the page before."""
        beyond = ">" if order == "asc" else "<"
        rows = self._tx.all(
            f"select {COLUMNS} from sessions"  # noqa: S608 - constants
            " where user_id = :user_id and ended_at is null and expires_at > :now"
            f"   and (:after is null or id {beyond} :after) order by id {order} limit :count",
            user_id=user_id,
            now=now,
            after=after,
            count=count,
        )
        return [Session(**row) for row in rows]

    def knows_address(self, user_id: str, address: str) -> bool:
        """Whether the user has been signed in from there before."""
        query = "select 1 from sessions where user_id = ? and address = ? limit 1"
        return self._tx.value(query, user_id, address) is not None

    def advance(
        self,
        session_id: str,
        *,
        counter: int,
        family_key: bytes,
        user_agent: str | None,
        address: str,
        now: int,
        expires_at: int,
    ) -> bool:
        """Moves an open session from `counter` to the next; False when it is not at `counter`, or not open."""
        moved = self._tx.run(
            "update sessions"
            "   set counter = counter + 1, family_key = :family_key, rotated_at = :now, last_used_at = :now,"
            "       expires_at = :expires_at, user_agent = :user_agent, address = :address"
            " where id = :id and counter = :counter and ended_at is null and expires_at > :now",
            id=session_id,
            counter=counter,
            family_key=family_key,
            user_agent=user_agent,
            address=address,
            now=now,
            expires_at=expires_at,
        )
        return moved == 1

    def end(self, session_id: str, *, reason: EndReason, now: int) -> bool:
        """False when it had ended already."""
        ended = self._tx.run(
            "update sessions set ended_at = ?, ended_reason = ? where id = ? and ended_at is null",
            now,
            reason,
            session_id,
        )
        return ended == 1

    def touch(self, session_id: str, used_at: int) -> None:
        """Remembers a use, unless a later one is known."""
        self._tx.run(
            "update sessions set last_used_at = :at where id = :id and last_used_at < :at", at=used_at, id=session_id
        )

    def forget_ended(self, user_id: str, now: float, *, keep: int) -> None:
        """Drops a user's ended and expired sessions but the `keep` used last, whose networks still count as known."""
        self._tx.run(
            "delete from sessions where user_id = :user_id and (ended_at is not null or expires_at <= :now)"
            " and id not in"
            " (select id from sessions where user_id = :user_id and (ended_at is not null or expires_at <= :now)"
            "   order by last_used_at desc, id desc limit :keep)",
            user_id=user_id,
            now=now,
            keep=keep,
        )
