"""Nonces that we issued and nobody has used; hashed, so that reading the database signs nobody in."""

from chassis.database import Transaction


class GoogleNonces:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, digest: bytes, *, now: float, expires_at: float) -> None:
        """Keeps a new one, and forgets those that are too old."""
        self._tx.run("delete from google_nonces where expires_at <= ?", int(now))
        self._tx.run("insert into google_nonces (hash, expires_at) values (?, ?)", digest, int(expires_at))

    def use(self, digest: bytes, now: float) -> bool:
        """False when it was never issued, was used before, or is too old."""
        return self._tx.run("delete from google_nonces where hash = ? and expires_at > ?", digest, int(now)) == 1
