"""The outermost layers of every request: its id, a log line, an answer even when our code breaks, a body limit."""

import re
import time
from contextvars import ContextVar

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ids import new_id
from chassis.problems import PROBLEM_JSON, InternalError, PayloadTooLarge, Problem

REQUEST_ID_HEADER = "x-request-id"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)

log = structlog.get_logger()


class RequestContext:
    """Gives a request its id (the caller's, if well formed), binds it to the log, returns it, logs one line."""

    def __init__(self, app: ASGIApp, quiet: tuple[str, ...] = ()) -> None:
        self.app = app
        self._quiet = ("/health/", *quiet)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = offered if _ACCEPTABLE.match(offered) else new_id("req")
        current_request_id.set(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            log.error("crashed", exc_info=error)
            if status:  # too late for an answer: cutting the connection is the only honest end
                raise
            await problem_response(InternalError())(scope, receive, send_with_id)
        finally:
            self._log(scope, status, time.perf_counter() - started)

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        if not route.startswith(self._quiet) or status >= 500:
            log.info(
                "request", method=scope["method"], route=route, status=status, milliseconds=round(seconds * 1000, 1)
            )


class BodyLimit:
    """Refuses a body over `limit` bytes, announced or not, before more of it is read into memory."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if announced.isdecimal() and int(announced) > self.limit:
            await problem_response(PayloadTooLarge())(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                # FastAPI lets only an HTTPException out of its reading of the body.
                raise HTTPException(PayloadTooLarge.status)
            return message

        await self.app(scope, receive_within_limit, send)


def problem_response(problem: Problem) -> JSONResponse:
    """The answer that a problem turns into."""
    return JSONResponse(
        problem.document(current_request_id.get()),
        status_code=problem.status,
        headers=problem.headers,
        media_type=PROBLEM_JSON,
    )
