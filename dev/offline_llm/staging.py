"""Around every /v1 request: records it, picks its fault, and stops the reply when the client has gone."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dev.offline_llm.faults import Cut, Fault, Rules, Spoiler, refusal
from dev.offline_llm.recording import Exchange, Recording, document


class Stage:
    """ASGI middleware; the application finds `exchange` and `fault` in the request's state."""

    def __init__(self, app: ASGIApp, rules: Rules, recording: Recording) -> None:
        self._app = app
        self._rules = rules
        self._recording = recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only the model's own paths are staged; control and health are not."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        exchange = self._recording.add(scope["method"], scope["path"], Headers(scope=scope), body)
        fault = self._rules.take(scope["path"], document(body)) if self._rules.rules else Fault()
        scope["state"] = {**scope.get("state", {}), "exchange": exchange, "fault": fault}
        await self._reply(scope, body, receive, Spoiler(fault, send, exchange), exchange)

    async def _reply(self, scope: Scope, body: bytes, receive: Receive, spoiler: Spoiler, exchange: Exchange) -> None:
        """Runs the reply and the watch over the connection side by side; whichever ends first ends the other."""
        reply = asyncio.ensure_future(self._perform(scope, body, spoiler))
        gone = asyncio.ensure_future(_disconnected(receive))
        with self._recording.replying(exchange):
            try:
                await asyncio.wait((reply, gone), return_when=asyncio.FIRST_COMPLETED)
                exchange.disconnected = not reply.done() and not exchange.ended
            finally:
                gone.cancel()
                if not exchange.ended:
                    reply.cancel()
        with suppress(asyncio.CancelledError, Cut):
            await reply

    async def _perform(self, scope: Scope, body: bytes, spoiler: Spoiler) -> None:
        """The faults that come before the headers, then the application."""
        fault = spoiler.fault
        await asyncio.sleep(fault.before_headers_seconds)
        if fault.hang_before_headers:
            await asyncio.Event().wait()
        if fault.held:
            await self._rules.until_dropped(fault)

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        if fault.status is not None:
            status, refused, headers = refusal(fault)
            await JSONResponse(refused, status, headers)(scope, replay, spoiler)
        else:
            await self._app(scope, replay, spoiler)


async def _whole_body(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(chunks)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
