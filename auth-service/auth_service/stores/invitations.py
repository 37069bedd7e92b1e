"""Invitations to sign up, where new accounts need one. Each is good for one account."""

from chassis.database import Transaction

GOOD = "hash = :hash and used_at is null and expires_at > :now and (email is null or email = :email)"


class Invitations:
    """Codes are known by their hash alone."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, code_hash: bytes, *, email: str | None, now: int, expires_at: int) -> None:
        """`email` is whom it is for, normalised; None lets in whoever has the code."""
        self._tx.run(
            "insert into invitations (hash, email, created_at, expires_at) values (?, ?, ?, ?)",
            code_hash,
            email,
            now,
            expires_at,
        )

    def is_good(self, code_hash: bytes, *, email: str, now: int) -> bool:
        """Whether it would let that address in at the moment."""
        query = f"select 1 from invitations where {GOOD}"  # noqa: S608 - a constant
        return self._tx.value(query, hash=code_hash, email=email, now=now) is not None

    def use(self, code_hash: bytes, *, email: str, now: int) -> bool:
        """Uses it up; False when it does not let that address in, or not any more."""
        used = self._tx.run(
            f"update invitations set used_at = :now, email = null where {GOOD}",  # noqa: S608 - a constant
            hash=code_hash,
            email=email,
            now=now,
        )
        return used == 1

    def remove_expired(self, now: int) -> None:
        self._tx.run("delete from invitations where expires_at <= ?", now)
