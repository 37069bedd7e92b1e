"""Calls to other services: a deadline around everything, retries only where they are safe, the request id passed on."""

import asyncio
import random
import ssl
from functools import cache
from typing import Any

import httpx
import structlog

from chassis.identity import Identity
from chassis.problems import Problem, Unavailable
from chassis.requests import REQUEST_ID_HEADER, current_request_id

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


def neighbour_client() -> httpx.AsyncClient:
    """One pooled client for all neighbours of a service; it follows no redirect and reads no proxy settings."""
    limits = httpx.Limits(max_connections=500, max_keepalive_connections=100)
    return httpx.AsyncClient(
        limits=limits,
        trust_env=False,
        verify=_certificates(),
        timeout=None,  # noqa: S113 - `call` has its own deadline
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Loading them costs more than most calls, so that the clients of a process share them."""
    return httpx.create_ssl_context(trust_env=False)


class Neighbour:
    """One other service. `name` is who the service tokens are for."""

    def __init__(self, name: str, url: str, http: httpx.AsyncClient, identity: Identity) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._http = http
        self._identity = identity

    async def call(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        json: Any = None,
        params: dict[str, Any] | None = None,
        bearer: str | None = None,
        idempotent: bool | None = None,
    ) -> httpx.Response:
        """The 2xx answer, within `deadline` seconds in all, retries included.

        `bearer` is a user's own token; without it the call carries our service token. `idempotent` allows a second
        try after the request may have arrived (default: for GET, PUT, DELETE). Raises `NeighbourDown` and
        `NeighbourRefused`.
        """
        retry_anything = idempotent if idempotent is not None else method in ("GET", "HEAD", "PUT", "DELETE")
        try:
            async with asyncio.timeout(deadline):
                answer = await self._try(method, path, json, params, bearer, retry_anything)
        except (TimeoutError, httpx.HTTPError) as error:
            log.warning("neighbour_down", neighbour=self.name, error=type(error).__name__)
            raise NeighbourDown() from error
        if answer.is_success:
            return answer
        if answer.status_code >= 500:
            log.warning("neighbour_down", neighbour=self.name, status=answer.status_code)
            raise NeighbourDown()
        raise NeighbourRefused(answer.status_code, _json_object(answer).get("code"))

    async def _try(
        self, method: str, path: str, json: Any, params: Any, bearer: str | None, retry_anything: bool
    ) -> httpx.Response:
        for attempt in range(RETRIES + 1):
            last = attempt == RETRIES
            try:
                answer = await self._http.request(
                    method, self._url + path, json=json, params=params, headers=self._headers(bearer)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):  # it never arrived
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

    def _headers(self, bearer: str | None) -> dict[str, str]:
        headers = {"authorization": f"Bearer {bearer or self._identity.token_for(self.name)}"}
        if request_id := current_request_id.get():
            headers[REQUEST_ID_HEADER] = request_id
        return headers


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
