"""Topics that were forgotten, as salted hashes of their words, for turns from before that arrive late."""

import hmac
import json
import secrets
from collections.abc import Collection, Sequence

from chassis.database import Transaction

SALT_BYTES = 16
HASH_BYTES = 16
KEPT_SECONDS = 90 * 86400.0
"""Like the ids of events: nothing arrives later than that."""
MOST_KEPT = 200
"""Of an owner: whoever goes on forgetting does not fill the file."""


class ForgottenTopics:
    """Rows of `forgotten_topics`. A topic is words, each as the stems that it may have."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, owner: str, conversation_id: str | None, words: Sequence[Sequence[str]], now: float) -> None:
        """What the owner said of it until now is forgotten: in one conversation, or in all."""
        salt = secrets.token_bytes(SALT_BYTES)
        self._tx.run("delete from forgotten_topics where forgotten_at < ?", now - KEPT_SECONDS)
        self._tx.run(
            "insert into forgotten_topics (owner, conversation_id, salt, words, forgotten_at) values (?, ?, ?, ?, ?)",
            owner,
            conversation_id,
            salt,
            json.dumps([[_hash(salt, stem) for stem in alike] for alike in words]),
            now,
        )
        self._tx.run(
            "delete from forgotten_topics where owner = :owner and number <= (select number from forgotten_topics"
            " where owner = :owner order by number desc limit 1 offset :kept)",
            owner=owner,
            kept=MOST_KEPT,
        )

    def since(self, owner: str, conversation_id: str, moment: float) -> list["ForgottenTopic"]:
        """Those that were forgotten then or later, and hold for the conversation."""
        rows = self._tx.all(
            "select salt, words from forgotten_topics where owner = ? and forgotten_at >= ?"
            " and (conversation_id is null or conversation_id = ?)",
            owner,
            moment,
            conversation_id,
        )
        return [ForgottenTopic(row["salt"], json.loads(row["words"])) for row in rows]

    def give(self, owner: str, into: str) -> None:
        """Makes them another owner's."""
        self._tx.run("update forgotten_topics set owner = ? where owner = ?", into, owner)

    def erase(self, owner: str) -> None:
        """Deletes them all."""
        self._tx.run("delete from forgotten_topics where owner = ?", owner)


class ForgottenTopic:
    """Can be recognised, and not be read."""

    def __init__(self, salt: bytes, words: list[list[str]]) -> None:
        self._salt = salt
        self._words = words

    def is_among(self, stems: Collection[str]) -> bool:
        """Whether all of its words are."""
        hashes = {_hash(self._salt, stem) for stem in stems}
        return all(not hashes.isdisjoint(alike) for alike in self._words)


def _hash(salt: bytes, stem: str) -> str:
    return hmac.digest(salt, stem.encode(), "sha256")[:HASH_BYTES].hex()
