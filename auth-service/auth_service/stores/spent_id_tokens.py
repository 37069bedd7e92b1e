"""ID tokens without a nonce that were taken already, until they would expire anyway."""

from chassis.database import Transaction


class SpentIdTokens:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, digest: bytes, *, now: float, expires_at: int) -> bool:
        """False when it was taken before. Forgets those that nobody would accept any more."""
        self._tx.run("delete from spent_id_tokens where expires_at <= ?", int(now))
        added = self._tx.run(
            "insert into spent_id_tokens (hash, expires_at) values (?, ?) on conflict do nothing", digest, expires_at
        )
        return added == 1
