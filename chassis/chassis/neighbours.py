"""Calls to other services: a deadline around everything, retries only where they are safe, the request id passed on."""

import asyncio
import random
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import orjson
import structlog

from chassis.identity import Identity
from chassis.problems import Problem, Unavailable
from chassis.requests import REQUEST_ID_HEADER, current_request_id
from chassis.transport import Client, Transport, errors_of_httpx

KEEP_CONNECTIONS_SECONDS = 15.0
RETRIES = 2
RETRY_PAUSE_SECONDS = 0.05
RETRIED_STATUSES = frozenset({502, 503, 504})

log = structlog.get_logger()


class NeighbourDown(Unavailable):
    """The neighbour did not answer in time, or answered with a failure of its own."""

    code = "neighbour_unavailable"
    detail = "A part of the system does not answer at the moment; try again shortly."


class NeighbourRefused(Problem):
    """The neighbour answered 4xx. The caller decides what that means for its own user; unhandled it is our fault."""

    status = 502
    code = "neighbour_refused"
    detail = "Two parts of the system do not agree; this was logged."

    def __init__(self, status: int, refusal: str | None) -> None:
        super().__init__()
        self.refused_status = status
        self.refusal = refusal


def neighbour_client() -> Client:
    """One pooled client for all neighbours of a service."""
    return Client(Transport(max_connections=500, keep_seconds=KEEP_CONNECTIONS_SECONDS, certificates=certificates()))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a neighbour answered."""

    status_code: int
    content: bytes

    def json(self) -> Any:
        """The document in it. Raises `ValueError`."""
        return orjson.loads(self.content)


@cache
def certificates() -> ssl.SSLContext:
    """Those of the system. Loading them costs more than most calls, so that the clients of a process share them."""
    return httpx.create_ssl_context(trust_env=False)


class Neighbour:
    """One other service. `name` is who the service tokens are for."""

    def __init__(self, name: str, url: str, http: Client, identity: Identity) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._transport = http.transport
        self._identity = identity

    async def call(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        json: Any = None,
        bearer: str | None = None,
        idempotent: bool | None = None,
    ) -> Reply:
        """The 2xx answer, within `deadline` seconds in all, retries included.

        `bearer` is a user's own token; without it the call carries our service token. `idempotent` allows a second
        try after the request may have arrived (default: for GET, PUT, DELETE). Raises `NeighbourDown` and
        `NeighbourRefused`.
        """
        retry_anything = idempotent if idempotent is not None else method in ("GET", "HEAD", "PUT", "DELETE")
        body = _encoded(json)
        try:
            async with asyncio.timeout(deadline):
                answer = await self._try(method, path, body, bearer, retry_anything)
        except (TimeoutError, httpx.HTTPError) as error:
            log.warning("neighbour_down", neighbour=self.name, error=type(error).__name__)
            raise NeighbourDown() from error
        if 200 <= answer.status_code < 300:
            return answer
        if answer.status_code >= 500:
            log.warning("neighbour_down", neighbour=self.name, status=answer.status_code)
            raise NeighbourDown()
        raise NeighbourRefused(answer.status_code, _json_object(answer).get("code"))

    async def _try(self, method: str, path: str, body: bytes, bearer: str | None, retry_anything: bool) -> Reply:
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            try:
                answer = await self._ask(method, path, body, bearer)
            except httpx.ConnectError:  # it never arrived
                if last:
                    raise
            except httpx.TransportError:
                if last or not retry_anything:
                    raise
            else:
                if last or not retry_anything or answer.status_code not in RETRIED_STATUSES:
                    return answer
            await asyncio.sleep(RETRY_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    async def _ask(self, method: str, path: str, body: bytes, bearer: str | None) -> Reply:
        """Not as a request of httpx: that would cost as much again as all the rest."""
        answer = await self._transport.ask(method, self._url + path, self._headers(bearer), body)
        with errors_of_httpx():
            return Reply(answer.status, await answer.read())

    def _headers(self, bearer: str | None) -> dict[str, str]:
        headers = {
            "accept": "*/*",
            "accept-encoding": "identity",
            "authorization": f"Bearer {bearer or self._identity.token_for(self.name)}",
            "content-type": "application/json",
        }
        if request_id := current_request_id.get():
            headers[REQUEST_ID_HEADER] = request_id
        return headers


def _encoded(document: Any) -> bytes:
    if document is None:
        return b""
    return orjson.dumps(document)


def _json_object(answer: Reply) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
