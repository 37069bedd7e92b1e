"""HTTP requests of httpx's clients over aiohttp's connections: the same answers for less than half the CPU time.

A streamed answer has its reader at `response.extensions["reader"]`, for whom httpx's layers cost too much a piece.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
from yarl import URL

MOST_BODY_BYTES = 64_000_000
"""Of an answer that is read whole, be it a refusal: whoever sends more would fill the memory until a deadline."""


class Transport(httpx.AsyncBaseTransport):
    """Follows no redirect, keeps no cookie, reads no proxy settings, has no deadline: that is for whoever waits.

    Raises `httpx.ConnectError` only when nothing was sent; any other `httpx.TransportError` may have arrived.
    """

    def __init__(self, *, max_connections: int, keep_seconds: float, certificates: ssl.SSLContext) -> None:
        self._max_connections = max_connections
        self._keep_seconds = keep_seconds
        self._certificates = certificates
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> aiohttp.ClientResponse:
        """The answer as aiohttp has it, its head read; for whom a request of httpx costs too much."""
        if self._session is None:
            self._session = self._open()
        with errors_of_httpx():
            return await self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body or None, allow_redirects=False
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Called by httpx."""
        answer = await self.ask(request.method, str(request.url), request.headers, await request.aread())
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer),
            extensions={"http_version": b"HTTP/1.1", "reader": answer.content},
        )

    async def aclose(self) -> None:
        """Called by httpx."""
        if self._session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Not before there is a loop."""
        connector = aiohttp.TCPConnector(
            limit=self._max_connections, keepalive_timeout=self._keep_seconds, ssl=self._certificates
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),
            auto_decompress=False,  # httpx does
        )


class Client(httpx.AsyncClient):
    """Sends requests as they are: cookies, redirects, sign-in flows and hooks are passed over, not only unused."""

    def __init__(self, transport: Transport, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(transport=transport, headers=headers, timeout=None, trust_env=False)
        self.transport = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Called by every other method of a client."""
        response = await self.transport.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        with errors_of_httpx():
            while piece := await self._answer.content.readany():
                length += len(piece)
                if length > MOST_BODY_BYTES:
                    raise httpx.ReadError("The answer is longer than any should be.")
                yield piece

    async def aclose(self) -> None:
        """The connection is kept if the answer was read to its end, else cut."""
        self._answer.release()


@contextmanager
def errors_of_httpx() -> Iterator[None]:
    """Turns errors of aiohttp into those that whoever uses httpx knows."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
    except aiohttp.ClientError as error:
        raise httpx.ReadError(str(error)) from error
