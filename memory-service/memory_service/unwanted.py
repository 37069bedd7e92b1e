"""What a user deleted, rejected or had forgotten does not become a fact again, however a fold words it."""

import re

from chassis.database import Transaction
from memory_service.stores.fact_tombstones import FactTombstones
from memory_service.stores.facts import Facts
from memory_service.words import content_stems

STOCK_STEMS = {"user"}
"""What summarisers call people, whoever else says it."""

_CANNOT = re.compile(r"\bcan['’]t\b", re.IGNORECASE)
"""Of its two halves neither says anything, and what is left would say the opposite."""


class Unwanted:
    """What one owner does not want to be remembered."""

    def __init__(self, tx: Transaction, owner: str) -> None:
        self._tx = tx
        self._owner = owner
        self._refused: set[str] | None = None

    def bury(self, text: str, now: float) -> None:
        """The text is deleted for good."""
        FactTombstones(self._tx).set(self._owner, _gist(text), now)

    def lift(self, text: str) -> None:
        """The user says it after all."""
        FactTombstones(self._tx).lift(self._owner, _gist(text))

    def holds(self, text: str) -> bool:
        """Whether a fold's fact says what the user deleted, rejected or had forgotten."""
        if self._refused is None:
            self._refused = {_gist(each) for each in Facts(self._tx).refused(self._owner)}
        gist = _gist(text)
        return gist in self._refused or FactTombstones(self._tx).stands_on(self._owner, gist)


def _gist(text: str) -> str:
    """What a text says, whatever its order and small words."""
    return " ".join(sorted(content_stems(_CANNOT.sub("cannot", text)) - STOCK_STEMS)) or text.casefold()
