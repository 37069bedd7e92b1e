"""One request at a time over one kept connection, timed: as little of a client as possible."""

import socket
import time
from collections.abc import Iterable
from typing import Self

PATIENCE = 90.0
"""Seconds."""


class Line:
    """A connection to a port of loopback, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes, *expected: int) -> float:
        """Seconds until the answer was there. Raises `ValueError` when its status is not among the expected."""
        started = time.perf_counter()
        self._socket.sendall(request)
        head, body = self._answer()
        taken = time.perf_counter() - started
        status = int(head[9:12])
        if status not in expected:
            raise ValueError(f"{request.split(maxsplit=2)[1].decode()} was answered with {status}: {body[:300]!r}")
        if b"\r\nconnection: close" in head.lower():
            self._socket.close()
            self._open()
        return taken

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _answer(self) -> tuple[bytes, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        while len(body) < _length(head):
            body += self._more()
        return head, body

    def _more(self) -> bytes:
        if not (more := self._socket.recv(65_536)):
            raise ConnectionResetError("closed in the middle of an answer")
        return more


def get(path: str, credential: str | None = None, request_id: str | None = None) -> bytes:
    """A GET as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"Authorization: Bearer {credential}"] if credential else []
    lines += [f"X-Request-Id: {request_id}"] if request_id else []
    return "\r\n".join([*lines, "", ""]).encode()


def percentile(times: Iterable[float], share: float) -> float:
    """The least of them that `share` of them do not exceed."""
    in_order = sorted(times)
    return in_order[min(int(len(in_order) * share), len(in_order) - 1)]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0
