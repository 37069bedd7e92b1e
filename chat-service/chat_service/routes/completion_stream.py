"""The streamed answer over HTTP: when it begins, what keeps it alive, how it fails, and who stops it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from chassis.problems import Problem
from chat_service.completion_chunks import error_event
from chat_service.event_log import PING
from chat_service.routes.event_stream import HEADERS
from chat_service.routes.leaving import until_client_leaves


class CompletionStream(StreamingResponse):
    """Holds its 200 back until the first event or the first keep-alive, so that a refusal can still be a status.

    `more_headers` are looked at only then. A client that leaves closes `events` at once.
    """

    def __init__(
        self, events: AsyncGenerator[bytes], more_headers: Mapping[str, str], keep_alive_seconds: float
    ) -> None:
        super().__init__(events, headers=HEADERS)
        self._events = events
        self._more_headers = more_headers
        self._keep_alive_seconds = keep_alive_seconds
        self._sending = asyncio.Lock()
        self._started = False
        self._sent_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await until_client_leaves(receive, self._answer(send))

    async def _answer(self, send: Send) -> None:
        self._sent_at = asyncio.get_running_loop().time()
        keeping_alive = asyncio.create_task(self._keep_alive(send))
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    await self._write(send, event)
        except Problem as problem:
            if not self._started:
                raise
            await self._write(send, error_event(problem))
        finally:
            keeping_alive.cancel()
            await asyncio.gather(keeping_alive, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _keep_alive(self, send: Send) -> None:
        """Sends a comment whenever nothing else was sent for a while."""
        loop = asyncio.get_running_loop()
        while True:
            silence_ends_at = self._sent_at + self._keep_alive_seconds
            if loop.time() >= silence_ends_at:
                await self._write(send, PING)
            else:
                await asyncio.sleep(silence_ends_at - loop.time())

    async def _write(self, send: Send, data: bytes) -> None:
        async with self._sending:
            if not self._started:
                self._started = True
                self.headers.update(self._more_headers)
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": data, "more_body": True})
        self._sent_at = asyncio.get_running_loop().time()
