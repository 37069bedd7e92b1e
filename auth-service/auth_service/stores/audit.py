"""Who did what to an account. Rows are only ever added: the table itself refuses anything else."""

from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction
from chassis.ids import new_id

Actor = Literal["user", "operator", "system"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`subject` is the id of the session, key or saga it is about; `at` is in unix seconds."""

    id: str
    at: int
    event: str
    user_id: str | None
    actor: Actor
    subject: str | None
    address: str | None


class AuditLog:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(
        self,
        event: str,
        user_id: str | None,
        *,
        now: float,
        actor: Actor = "user",
        subject: str | None = None,
        address: str | None = None,
    ) -> None:
        """Writes it down in the transaction in which it happens."""
        self._tx.run(
            "insert into audit_log (id, at, event, user_id, actor, subject, address) values (?, ?, ?, ?, ?, ?, ?)",
            new_id("audit"),
            int(now),
            event,
            user_id,
            actor,
            subject,
            address,
        )

    def page(self, user_id: str | None, limit: int) -> list[AuditEntry]:
        """The newest entries, of one user or of all."""
        rows = self._tx.all(
            "select id, at, event, user_id, actor, subject, address from audit_log"
            " where :user_id is null or user_id = :user_id order by id desc limit :limit",
            user_id=user_id,
            limit=limit,
        )
        return [AuditEntry(**row) for row in rows]
