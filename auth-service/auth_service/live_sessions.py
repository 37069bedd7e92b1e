"""What this process knows of sessions: not every check at the gateway has to read the database, which is the truth."""

ENDED = 0
MOST_SESSIONS = 100_000


class LiveSessions:
    """Sessions by id: when each expires, or that it has ended. Forgets the oldest entries beyond `limit`."""

    def __init__(self, limit: int = MOST_SESSIONS) -> None:
        self._limit = limit
        self._expires_at: dict[str, int] = {}

    def expires_at(self, session_id: str) -> int | None:
        """None when nothing is known; `ENDED` when it has ended."""
        return self._expires_at.get(session_id)

    def learn(self, session_id: str, expires_at: int) -> int:
        """Takes in what a read found, unless the session ended while that read was on its way; returns what holds."""
        if self._expires_at.get(session_id) != ENDED:
            self._put(session_id, expires_at)
        return self._expires_at[session_id]

    def end(self, session_id: str) -> None:
        """To be called once the end is on disk."""
        self._put(session_id, ENDED)

    def _put(self, session_id: str, expires_at: int) -> None:
        self._expires_at.pop(session_id, None)  # an entry that changes becomes the youngest
        self._expires_at[session_id] = expires_at
        if len(self._expires_at) > self._limit:
            del self._expires_at[next(iter(self._expires_at))]
