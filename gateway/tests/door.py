"""The client side of the tests: sends exactly the bytes a test wants, over a socket, and reads what came back."""

import http.client
import json
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The one value of a header, or None. Raises when it came more than once."""
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name} came {len(values)} times")
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Door:
    """The gateway's public port."""

    port: int

    def get(self, target: str, *headers: tuple[str, str], token: str | None = None) -> Answer:
        return self.send("GET", target, headers, token=token)

    def send(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        token: str | None = None,
        host: str | None = "localhost",
    ) -> Answer:
        """One request on a connection of its own; nothing in it is normalised or refused on this side."""
        lines = [] if host is None else [("Host", host)]
        if token is not None:
            lines.append(("Authorization", f"Bearer {token}"))
        lines += headers
        if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in lines):
            lines.append(("Content-Length", str(len(body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return self.exchange(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body, method)

    def exchange(self, request: bytes, method: str = "GET") -> Answer:
        with closing(self.connect()) as connection:
            connection.sendall(request)
            return read_answer(connection, method)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """One whole answer from an open connection."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())
