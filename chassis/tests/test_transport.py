"""Requests over connections that are refused, cut, kept, given up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chassis.identity import Identity, RemoteKeys
from chassis.neighbours import Neighbour, NeighbourDown, neighbour_client
from chassis.testing import serve

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[str]:
    """A server that does with a connection whatever `peer` does."""
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_what_was_never_sent_is_told_from_what_may_have_arrived() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with neighbour_client() as http, listening(hang_up) as url:
        with pytest.raises(httpx.ConnectError):
            await http.post("http://127.0.0.1:1", json={})
        with pytest.raises(httpx.TransportError) as cut:
            await http.post(url, json={})

    assert not isinstance(cut.value, httpx.ConnectError)


async def test_a_post_that_was_cut_is_not_sent_again() -> None:
    requests = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with neighbour_client() as http, listening(hang_up) as url:
        identity = Identity("alpha", RemoteKeys("http://127.0.0.1:1", http), {"moody": SecretStr("s" * 32)})
        with pytest.raises(NeighbourDown):
            await Neighbour("moody", url, http, identity).call("POST", "/thing", deadline=5.0, json={})

    assert len(requests) == 1


async def test_an_answer_that_is_cut_in_the_middle_is_an_error() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with neighbour_client() as http, listening(half) as url:
        with pytest.raises(httpx.TransportError):
            await http.get(url)


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_end_is_not_read_to_it(status: int) -> None:
    hung_up = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d So\r\ncontent-type: application/json\r\n\r\n" % status)
        with suppress(ConnectionError):
            for _ in range(200):
                writer.write(b" " * 1_000_000)
                await writer.drain()
            writer.close()
            return
        hung_up.set()

    async with neighbour_client() as http, listening(talk) as url:
        with pytest.raises(httpx.TransportError):
            await http.get(url)
        await asyncio.wait_for(hung_up.wait(), 5.0)


async def test_giving_up_an_answer_hangs_up() -> None:
    hung_up = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nword\r\n")
        await reader.read()
        hung_up.set()

    async with neighbour_client() as http, listening(talk) as url:
        async with http.stream("GET", url) as answer:
            word = await anext(answer.aiter_bytes())

        assert word == b"word"
        async with asyncio.timeout(5):
            await hung_up.wait()


async def test_no_cookie_is_kept_and_no_redirect_is_followed() -> None:
    async def answer(request: Request) -> Response:
        seen.append(dict(request.cookies))
        return Response(status_code=302, headers={"set-cookie": "a=1", "location": "/elsewhere"})

    seen: list[dict[str, str]] = []
    with serve(Starlette(routes=[Route("/thing", answer)])) as url:
        async with neighbour_client() as http:
            transport = http.transport
            answers = [await transport.ask("GET", f"{url}/thing", {}, b"") for _ in range(2)]

    assert [each.status for each in answers] == [302, 302]
    assert seen == [{}, {}]


async def test_a_connection_serves_again_once_its_answer_was_read() -> None:
    async def answer(request: Request) -> Response:
        clients.add(request.client)
        return StreamingResponse(iter([b"one ", b"two"]))

    clients: set[object] = set()
    with serve(Starlette(routes=[Route("/thing", answer)])) as url:
        async with neighbour_client() as http:
            texts = [(await http.get(f"{url}/thing")).text for _ in range(3)]

    assert texts == ["one two"] * 3
    assert len(clients) == 1
