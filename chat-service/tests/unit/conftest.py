"""A provider that does exactly what a test tells it to, byte by byte, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest


class Hang:
    """A step that lasts until the client closes the connection."""


Step = bytes | float | Hang


class ScriptedModel:
    """Each request plays the next script; the last one is played again. The connection is closed at its end."""

    def __init__(self) -> None:
        self.url = ""
        self.scripts: list[list[Step]] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.open = 0

    def plays(self, *scripts: list[Step]) -> None:
        """What to do, one script a request."""
        self.scripts = list(scripts)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lengths = [line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length:")]
            body = await reader.readexactly(int(lengths[0])) if lengths else b"{}"
            script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
            self.requests.append((head.splitlines()[0], json.loads(body)))
            for step in script:
                await self._play(step, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1

    async def _play(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, Hang):
            await reader.read()
        elif isinstance(step, float):
            await asyncio.sleep(step)
        else:
            writer.write(step)
            await writer.drain()


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedModel]:
    scripted = ScriptedModel()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    scripted.url = f"http://{host}:{port}"
    yield scripted
    server.close()


@pytest.fixture
def hang() -> Hang:
    return Hang()
