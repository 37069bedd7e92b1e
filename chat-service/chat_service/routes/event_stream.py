"""The events of a response over HTTP."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from chat_service.routes.leaving import until_client_leaves

HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no"}


class EventStream(StreamingResponse):
    """Sends headers at once, then the events as they come; closes `events` when the client leaves."""

    def __init__(self, events: AsyncGenerator[bytes], headers: dict[str, str] | None = None) -> None:
        super().__init__(events, headers={**HEADERS, **(headers or {})})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await until_client_leaves(receive, self.stream_response(send))
