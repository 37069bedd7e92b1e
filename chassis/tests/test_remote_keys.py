"""The keys of access tokens as services fetch them from auth: after a rotation, in a flood, while auth is down."""

import asyncio
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from chassis.identity import KeysUnavailable, RemoteKeys
from chassis.neighbours import neighbour_client
from chassis.testing import FakeAuth, serve

OLD, NEW, *STRANGE = (urlsafe_b64encode(bytes([number]) * 32).decode().rstrip("=") for number in range(52))
"""Ids of keys as auth makes them: of one that was rotated out, of its successor, and of none."""


class TurnedClock:
    """Time as the tests turn it."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


def rotate(auth: FakeAuth) -> None:
    auth.kid = NEW
    auth.private_key = Ed25519PrivateKey.generate()


@asynccontextmanager
async def remote_keys(app: ASGIApp, clock: TurnedClock) -> AsyncIterator[RemoteKeys]:
    with serve(app) as url:
        async with neighbour_client() as http:
            yield RemoteKeys(url, http, clock)


async def test_a_new_key_is_found_although_auth_was_asked_a_moment_ago() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)
        rotate(auth)
        clock.now += 0.9

        found = await keys.find(NEW)

    assert found == auth.private_key.public_key()
    assert auth.requests == 2


async def test_a_flood_of_unknown_key_ids_costs_one_question_a_second_and_a_new_key_is_found_in_it() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)
        rotate(auth)
        clock.now += 0.5

        started = time.monotonic()
        *strange, found = await asyncio.gather(*map(keys.find, [*STRANGE, NEW]))

    assert found == auth.private_key.public_key()
    assert strange == [None] * len(STRANGE)
    assert time.monotonic() - started > 0.49
    assert auth.requests == 2


@pytest.mark.parametrize("kid", ["", "../../etc/passwd", OLD[1:], OLD + "A", OLD[1:] + "=", OLD[1:] + "\n", "é" * 43])
async def test_what_cannot_be_a_key_id_is_no_reason_to_ask_auth_or_to_wait(kid: str) -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)

        async with asyncio.timeout(0.05):
            in_the_pause = await keys.find(kid)
        clock.now += 10
        after_it = await keys.find(kid)

    assert (in_the_pause, after_it) == (None, None)
    assert auth.requests == 1


async def test_a_key_made_while_auth_was_answering_is_asked_for_again() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    asked, may_answer = threading.Event(), threading.Event()

    async def answer(_: Request) -> JSONResponse:
        document = auth.jwks()
        asked.set()
        await asyncio.to_thread(may_answer.wait)
        return JSONResponse(document)

    async with remote_keys(Starlette(routes=[Route("/.well-known/jwks.json", answer)]), clock) as keys:
        first = asyncio.create_task(keys.find(OLD))
        await asyncio.to_thread(asked.wait)
        rotate(auth)
        second = asyncio.create_task(keys.find(NEW))
        await asyncio.sleep(0)
        may_answer.set()

        assert await first is not None
        assert await second == auth.private_key.public_key()


async def test_one_who_stops_waiting_takes_the_answer_from_nobody_else() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)
        rotate(auth)
        clock.now += 0.9
        impatient = asyncio.create_task(keys.find(NEW))
        patient = asyncio.create_task(keys.find(NEW))
        await asyncio.sleep(0)
        impatient.cancel()

        assert await patient == auth.private_key.public_key()
        assert impatient.cancelled()


async def test_a_key_that_auth_no_longer_publishes_is_forgotten_when_the_keys_are_old() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)
        rotate(auth)
        while_fresh = await keys.find(OLD)
        clock.now += 301

        when_old = await keys.find(OLD)

    assert while_fresh is not None
    assert when_old is None


async def test_a_clock_that_is_put_back_does_not_keep_a_new_key_out() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with remote_keys(auth.app, clock) as keys:
        await keys.find(OLD)
        rotate(auth)
        clock.now -= 3600

        async with asyncio.timeout(1):
            found = await keys.find(NEW)

    assert found == auth.private_key.public_key()


async def test_while_auth_is_down_a_key_that_may_be_new_is_neither_taken_nor_refused() -> None:
    auth, clock = FakeAuth(OLD), TurnedClock()
    async with neighbour_client() as http:
        with serve(auth.app) as auth_url:
            keys = RemoteKeys(auth_url, http, clock)
            await keys.find(OLD)
        clock.now += 301

        with pytest.raises(KeysUnavailable):
            await keys.find(NEW)

        assert await keys.find(OLD) is not None
        assert await keys.find("never-ours") is None


async def test_those_who_wait_for_keys_wait_for_one_try_together() -> None:
    tries = 0

    async def hang(_: Request) -> JSONResponse:
        nonlocal tries
        tries += 1
        await asyncio.sleep(3)
        return JSONResponse({})

    with serve(Starlette(routes=[Route("/.well-known/jwks.json", hang)])) as auth_url:
        async with neighbour_client() as http:
            keys = RemoteKeys(auth_url, http)
            answers = await asyncio.gather(*(keys.find("kid") for _ in range(5)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [KeysUnavailable] * 5
    assert tries == 1
