"""What verified tokens said, so that a token in steady use is not verified for every request."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class _Known(Generic[Said]):
    said: Said
    expires_at: float


class KnownTokens(Generic[Said]):
    """At most `most` of them, by the whole token; the one used least recently goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, _Known[Said]] = {}

    def find(self, token: str, now: float) -> Said | None:
        """What a token said that is still valid."""
        if (known := self._known.pop(token, None)) is None or known.expires_at <= now:
            return None
        self._known[token] = known  # the last place is that of the one just used
        return known.said

    def keep(self, token: str, said: Said, expires_at: float) -> None:
        """Remembers a token that has been verified."""
        self._known[token] = _Known(said, expires_at)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
