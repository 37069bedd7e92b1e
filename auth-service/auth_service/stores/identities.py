"""Who somebody is elsewhere."""

from dataclasses import dataclass

from chassis.database import Row, Transaction

COLUMNS = "id, issuer, subject, user_id, email, created_at"


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """Recognised by issuer and subject alone. `email` is what the issuer called it when it was linked: to be shown."""

    id: str
    issuer: str
    subject: str
    user_id: str
    email: str | None
    created_at: int


class Identities:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, identity: LinkedIdentity) -> bool:
        """False when it is somebody's already, or the user has another one of that issuer."""
        added = self._tx.run(
            "insert into identities (id, issuer, subject, user_id, email, created_at) values (?, ?, ?, ?, ?, ?)"
            " on conflict do nothing",
            identity.id,
            identity.issuer,
            identity.subject,
            identity.user_id,
            identity.email,
            identity.created_at,
        )
        return added == 1

    def find(self, issuer: str, subject: str) -> LinkedIdentity | None:
        """Whose it is."""
        query = f"select {COLUMNS} from identities where issuer = ? and subject = ?"  # noqa: S608 - a constant
        return _identity(self._tx.one(query, issuer, subject))

    def of_user(self, user_id: str) -> list[LinkedIdentity]:
        """At most one of each issuer, the oldest first."""
        query = f"select {COLUMNS} from identities where user_id = ? order by id"  # noqa: S608 - a constant
        return [LinkedIdentity(**row) for row in self._tx.all(query, user_id)]

    def remove(self, user_id: str, issuer: str) -> bool:
        """False when the user has none of that issuer."""
        return self._tx.run("delete from identities where user_id = ? and issuer = ?", user_id, issuer) == 1


def _identity(row: Row | None) -> LinkedIdentity | None:
    return LinkedIdentity(**row) if row else None
