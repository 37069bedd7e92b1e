"""What this process knows of sessions and API keys: not every check has to read the database, which is the truth."""

from auth_service.recent import Recent

ENDED = 0
MOST_KNOWN = 100_000


class Lifetimes:
    """Until when each of them holds, by id, or that it has ended. Forgets the oldest entries beyond `limit`."""

    def __init__(self, limit: int = MOST_KNOWN) -> None:
        self._until: Recent[str, float] = Recent(limit)

    def until(self, credential_id: str) -> float | None:
        """None when nothing is known; `ENDED` when it has ended."""
        return self._until.get(credential_id)

    def learn(self, credential_id: str, until: float) -> float:
        """Takes in what a read found, unless it ended while that read was on its way; returns what holds."""
        if self._until.get(credential_id) == ENDED:
            return ENDED
        self._until.put(credential_id, until)
        return until

    def end(self, credential_id: str) -> None:
        """To be called once the end is on disk."""
        self._until.put(credential_id, ENDED)
