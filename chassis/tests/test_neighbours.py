"""Calls to a neighbour that is slow, broken, gone, or fine."""

import asyncio
import time
from collections.abc import Callable

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.identity import Identity, RemoteKeys
from chassis.neighbours import Neighbour, NeighbourDown, NeighbourRefused, neighbour_client
from chassis.requests import current_request_id
from chassis.testing import serve


class Moody:
    """A neighbour that answers as told and counts."""

    def __init__(self, answer: Callable[[int], Response], delay: float = 0.0) -> None:
        self.requests: list[Request] = []
        self._answer = answer
        self._delay = delay
        self.app = Starlette(routes=[Route("/thing", self._thing, methods=["GET", "POST"])])

    async def _thing(self, request: Request) -> Response:
        self.requests.append(request)
        await asyncio.sleep(self._delay)
        return self._answer(len(self.requests))


async def call(url: str, method: str = "GET", deadline: float = 2.0, **options: object):
    async with neighbour_client() as http:
        identity = Identity("alpha", RemoteKeys("http://127.0.0.1:1", http), {"moody": SecretStr("s" * 32)})
        return await Neighbour("moody", url, http, identity).call(method, "/thing", deadline=deadline, **options)


async def test_the_request_id_and_a_service_token_travel_along() -> None:
    moody = Moody(lambda _: JSONResponse({"fine": True}))
    current_request_id.set("req_that_travels")
    with serve(moody.app) as url:
        answer = await call(url)

    assert answer.json() == {"fine": True}
    assert moody.requests[0].headers["x-request-id"] == "req_that_travels"
    assert moody.requests[0].headers["authorization"].startswith("Bearer ey")


async def test_a_users_own_token_replaces_ours() -> None:
    moody = Moody(lambda _: JSONResponse({}))
    with serve(moody.app) as url:
        await call(url, bearer="the-users")

    assert moody.requests[0].headers["authorization"] == "Bearer the-users"


async def test_a_passing_failure_is_tried_again_when_that_is_safe() -> None:
    moody = Moody(lambda count: Response(status_code=503 if count < 3 else 200))
    with serve(moody.app) as url:
        answer = await call(url)

    assert (answer.status_code, len(moody.requests)) == (200, 3)


async def test_a_post_that_may_have_arrived_is_not_repeated() -> None:
    moody = Moody(lambda _: Response(status_code=503))
    with serve(moody.app) as url:
        with pytest.raises(NeighbourDown):
            await call(url, "POST")

    assert len(moody.requests) == 1


async def test_a_slow_neighbour_costs_no_more_than_the_deadline() -> None:
    moody = Moody(lambda _: JSONResponse({}), delay=1.0)
    with serve(moody.app) as url:
        started = time.monotonic()
        with pytest.raises(NeighbourDown):
            await call(url, deadline=0.2)
        took = time.monotonic() - started

    assert took < 0.9


async def test_a_neighbour_that_is_not_there_is_down() -> None:
    with pytest.raises(NeighbourDown):
        await call("http://127.0.0.1:1")


async def test_a_refusal_is_told_with_its_code_and_unhandled_it_is_our_fault() -> None:
    moody = Moody(lambda _: JSONResponse({"code": "not_found", "detail": "internal words"}, 404))
    with serve(moody.app) as url:
        with pytest.raises(NeighbourRefused) as refused:
            await call(url)

    assert (refused.value.refused_status, refused.value.refusal, refused.value.status) == (404, "not_found", 502)
    assert "internal words" not in str(refused.value.document())
