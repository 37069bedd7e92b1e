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
MOST_VALUES = 20_000
"""Of one JSON body. Each that is wrong becomes an error of pydantic's, 1 KB and 3 µs, while everybody else waits."""

_ACCEPTABLE = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_JSON_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)

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
    """Refuses a body over `limit` bytes, announced or not, before more of it is read into memory.

    And one of JSON with more values than any request has, before it is parsed.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if announced.isdecimal() and int(announced) > self.limit:
            await problem_response(PayloadTooLarge())(scope, receive, send)
            return
        values = _Values() if b"json" in _content_type(scope) else None
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            piece = message.get("body", b"")
            received += len(piece)
            if received > self.limit or (values and values.are_too_many(piece, last=not message.get("more_body"))):
                # FastAPI lets only an HTTPException out of its reading of the body.
                raise HTTPException(PayloadTooLarge.status)
            return message

        await self.app(scope, receive_within_limit, send)


class _Values:
    """Counts the values of a JSON body by what stands before them."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._most = 0

    def are_too_many(self, piece: bytes, *, last: bool) -> bool:
        """Takes the next piece; texts, which may hold the same signs, are looked at only when it matters."""
        self._pieces.append(piece)
        self._most += _signs(piece)
        if not last:
            return False
        body = b"".join(self._pieces) if self._most > MOST_VALUES else b""
        self._pieces.clear()  # an answer may take long, and a client that leaves ends the body a second time
        between_texts = _JSON_TEXTS.split(body, maxsplit=2 * MOST_VALUES)  # a name and a value each
        return len(between_texts) > 2 * MOST_VALUES or sum(map(_signs, between_texts)) > MOST_VALUES


def _signs(json: bytes) -> int:
    return json.count(b",") + json.count(b"[") + json.count(b"{")


def _content_type(scope: Scope) -> bytes:
    if scope["type"] != "http":
        return b""
    return Headers(scope=scope).get("content-type", "").lower().encode("latin-1")


def problem_response(problem: Problem) -> JSONResponse:
    """The answer that a problem turns into."""
    return JSONResponse(
        problem.document(current_request_id.get()),
        status_code=problem.status,
        headers=problem.headers,
        media_type=PROBLEM_JSON,
    )
