"""The `recent_requests` table: turns that requests of the last minute made, to tell a retry from a second request."""

from chassis.database import Transaction


class RecentRequests:
    """By fingerprint: a hash of the credential, the path and the body."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, fingerprint: str, response_id: str, now: float) -> None:
        """Says what a request made."""
        self._tx.run(
            "insert into recent_requests (fingerprint, response_id, created_at) values (?, ?, ?)",
            fingerprint,
            response_id,
            now,
        )

    def since(self, fingerprint: str, moment: float) -> list[str]:
        """Ids of the responses that this request made since then, the oldest first."""
        rows = self._tx.all(
            "select response_id from recent_requests where fingerprint = ? and created_at >= ? order by response_id",
            fingerprint,
            moment,
        )
        return [row["response_id"] for row in rows]

    def drop_older_than(self, moment: float) -> int:
        """Forgets requests made before; returns how many."""
        return self._tx.run("delete from recent_requests where created_at < ?", moment)
