"""Requests as bytes and answers as bytes: what no client hides."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An answer. Of a stream, `blocks` are its events and comments, as they are between two blank lines."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def blocks(self) -> list[list[bytes]]:
        assert self.body.endswith(b"\n\n")
        return [block.split(b"\n") for block in self.body[:-2].split(b"\n\n")]

    @property
    def comments(self) -> list[bytes]:
        return [line for block in self.blocks for line in block if line.startswith(b":")]

    @property
    def data(self) -> list[bytes]:
        return [line.removeprefix(b"data: ") for block in self.blocks for line in block if line.startswith(b"data:")]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What the events carry, the `[DONE]` left out."""
        return [json.loads(data) for data in self.data if data != b"[DONE]"]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Wire:
    """The gateway's port and a key."""

    port: int
    key: str

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        with self.posted(path, body, **headers) as answer:
            return Reply(answer.status, answer.headers, answer.read())

    def get(self, path: str, **headers: str) -> Reply:
        with self.asked("GET", path, None, headers) as answer:
            return Reply(answer.status, answer.headers, answer.read())

    @contextmanager
    def posted(self, path: str, body: Any, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """The answer once its headers are there; its body is still to be read."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.asked("POST", path, body, given) as answer:
            yield answer

    @contextmanager
    def asked(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        whose = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, content, whose | headers)
            yield connection.getresponse()
        finally:
            connection.close()
