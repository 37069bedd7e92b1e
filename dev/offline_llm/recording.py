"""What the server was sent, and what became of it: a bounded ring, bodies kept as bytes until someone asks."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

import orjson
from starlette.datastructures import Headers

_SECRET_HEADERS = ("authorization", "x-api-key", "cookie")


@dataclass
class Exchange:
    """One request and the state of its reply."""

    id: int
    method: str
    path: str
    headers: dict[str, str]
    key_sha256: str | None
    body: bytes
    time: float = field(default_factory=time.time)
    status: int | None = None
    chunks_sent: int = 0
    ended: bool = False
    given_up: bool = False
    disconnected: bool = False

    @property
    def open(self) -> bool:
        """Whether more is to come."""
        return not self.ended and not self.given_up

    def as_listed(self) -> dict[str, Any]:
        """The entry in GET /_offline/requests."""
        fields = (
            "id",
            "time",
            "method",
            "path",
            "headers",
            "key_sha256",
            "status",
            "chunks_sent",
            "open",
            "disconnected",
        )
        return {**{name: getattr(self, name) for name in fields}, "body": document(self.body)}


class Recording:
    """The last requests, oldest first."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._replying: dict[int, Exchange] = {}
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._numbers = count(1)
        self._ring: deque[Exchange] = deque()

    def add(self, method: str, path: str, headers: Headers, body: bytes) -> Exchange:
        """Records a request; the oldest go when there are too many or they are too large together."""
        key = bearer_key(headers)
        shown = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        fingerprint = sha256(key.encode()).hexdigest()[:16] if key else None
        exchange = Exchange(next(self._numbers), method, path, shown, fingerprint, body)
        self._ring.append(exchange)
        self._bytes += len(body)
        while len(self._ring) > self._most or (self._bytes > self._most_bytes and len(self._ring) > 1):
            self._bytes -= len(self._ring.popleft().body)
        return exchange

    @contextmanager
    def replying(self, exchange: Exchange) -> Iterator[None]:
        """While the reply to this exchange is made; afterwards it is closed, however it ended."""
        self._replying[exchange.id] = exchange
        try:
            yield
        finally:
            del self._replying[exchange.id]
            exchange.given_up = not exchange.ended

    @property
    def open_streams(self) -> int:
        """How many replies are on their way now."""
        return sum(exchange.open for exchange in self._replying.values())

    def after(self, number: int, limit: int) -> list[Exchange]:
        """The newest `limit` exchanges with a higher id, oldest first."""
        found = [exchange for exchange in self._ring if exchange.id > number]
        return found[-limit:] if limit else []

    def clear(self) -> None:
        """Forgets everything; ids go on."""
        self._ring.clear()
        self._bytes = 0


def bearer_key(headers: Headers) -> str:
    """The key in the Authorization header, or nothing."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def document(body: bytes) -> Any:
    """A body as JSON, or as text when it is none."""
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
