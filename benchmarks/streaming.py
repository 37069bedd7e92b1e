"""Streams over HTTP/1.1, many at a time on one loop: bytes are kept as they come, and understood when they are over.

A client that parsed every event would cost as much as the server it measures.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self, cast

END = b"0\r\n\r\n"
TOKEN = b"event: response.output_text.delta"
"""What stands in each event that brings text."""

MODEL_TOKEN = b'"content":"'
"""The same in a chat completion; the last chunk, which brings no text, has it too."""


@dataclass
class Answer:
    """One stream as it came; `first_token` and `seconds` count from when it was asked for."""

    mark: bytes
    asked_at: float = field(default_factory=time.perf_counter)
    first_token: float | None = None
    seconds: float = 0.0
    pieces: list[bytes] = field(default_factory=list)

    def take(self, data: bytes) -> bool:
        """Keeps what came; whether that was the end."""
        self.pieces.append(data)
        if self.first_token is None and self.mark in data:
            self.first_token = time.perf_counter() - self.asked_at
        if data.endswith(END) or (len(data) < len(END) and b"".join(self.pieces[-len(END) :]).endswith(END)):
            self.seconds = time.perf_counter() - self.asked_at
            return True
        return False

    @property
    def status(self) -> int:
        """Of HTTP."""
        return int(self.pieces[0][9:12])

    @property
    def text(self) -> bytes:
        """The body without its framing."""
        head, _, framed = b"".join(self.pieces).partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" not in head.lower():
            return framed
        body: list[bytes] = []
        while True:
            size, _, framed = framed.partition(b"\r\n")
            if not (length := int(size, 16)):
                return b"".join(body)
            body.append(framed[:length])
            framed = framed[length + 2 :]

    def events(self) -> Iterator[dict[str, Any]]:
        """Of a response, in the order they came."""
        for frame in self.text.split(b"\n\n"):
            if frame.startswith(b"event: "):
                yield json.loads(frame.partition(b"data: ")[2])


class Talker(asyncio.Protocol):
    """One kept connection, one stream at a time."""

    def __init__(self) -> None:
        self._answer: Answer | None = None

    @classmethod
    async def connect(cls, port: int) -> Self:
        """To a port of loopback."""
        _, talker = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return talker

    async def ask(self, request: bytes, mark: bytes) -> Answer:
        """The answer once it has ended. Raises `ConnectionResetError` when it is cut."""
        self._ended = asyncio.get_running_loop().create_future()
        self._answer = Answer(mark)
        self._transport.write(request)
        answer: Answer = await self._ended
        return answer

    def close(self) -> None:
        """Hangs up."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not one by descent

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._answer and self._answer.take(data):
            answer, self._answer = self._answer, None
            self._ended.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        if self._answer:
            self._answer = None
            self._ended.set_exception(error or ConnectionResetError("closed in the middle of an answer"))


def post(path: str, token: str, body: dict[str, Any]) -> bytes:
    """A POST of JSON as it goes over the wire."""
    content = json.dumps(body).encode()
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + content
