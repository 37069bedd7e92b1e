"""What facts said that were deleted for good, as salted hashes: they can be recognised and not be read."""

import hmac
import secrets

from chassis.database import Transaction

SALT_BYTES = 16


class FactTombstones:
    """Rows of `fact_tombstones`. An owner has one salt, or several once guests were merged."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def set(self, owner: str, said: str, now: float) -> None:
        """No fold says this again."""
        salt = self._tx.value("select min(salt) from fact_tombstones where owner = ?", owner)
        salt = salt or secrets.token_bytes(SALT_BYTES)
        self._tx.run(
            "insert into fact_tombstones (owner, salt, hash, deleted_at) values (?, ?, ?, ?) on conflict do nothing",
            owner,
            salt,
            _hash(salt, said),
            now,
        )

    def stands_on(self, owner: str, said: str) -> bool:
        """Whether the owner deleted what says this."""
        return any(
            self._tx.one(
                "select 1 as found from fact_tombstones where owner = ? and salt = ? and hash = ?",
                owner,
                salt,
                _hash(salt, said),
            )
            for salt in self._salts(owner)
        )

    def lift(self, owner: str, said: str) -> None:
        """The owner says it again."""
        for salt in self._salts(owner):
            self._tx.run(
                "delete from fact_tombstones where owner = ? and salt = ? and hash = ?", owner, salt, _hash(salt, said)
            )

    def give(self, owner: str, into: str) -> None:
        """Makes them another owner's."""
        self._tx.run("update fact_tombstones set owner = ? where owner = ?", into, owner)

    def erase(self, owner: str) -> None:
        """Deletes them all."""
        self._tx.run("delete from fact_tombstones where owner = ?", owner)

    def _salts(self, owner: str) -> list[bytes]:
        rows = self._tx.all("select distinct salt from fact_tombstones where owner = ? order by salt", owner)
        return [row["salt"] for row in rows]


def _hash(salt: bytes, said: str) -> bytes:
    return hmac.digest(salt, said.encode(), "sha256")
