"""Attack group D: what passes while auth is stopped, hangs or has come back. Nothing that auth did not vouch for."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from dev.stack import Stack
from gateway.tests.door import Door

from .credentials import Forge
from .people import Person

PATHS = ("/v1/auth/me", "/v1/conversations", "/v1/files", "/v1/memory/search?q=x", "/v1/usage", "/v1/models")
STALE_SECONDS = 6.0
"""Cached for up to 2 s, and for 3 s more while auth does not answer."""


@contextmanager
def killed(stack: Stack) -> Iterator[None]:
    stack.processes["auth"].kill()
    try:
        yield
    finally:
        stack.processes["auth"].start()
        stack.processes["auth"].wait_until_ready()


@contextmanager
def hanging(stack: Stack) -> Iterator[None]:
    os.kill(stack.processes["auth"].pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(stack.processes["auth"].pid, signal.SIGCONT)


def test_without_auth_only_what_it_vouched_for_passes_and_only_for_seconds(
    stack: Stack, door: Door, forge: Forge, eve: Person
) -> None:
    known, fresh, expired = eve.token, [forge.anew(eve.token, jti=path) for path in PATHS], forge.expired(eve.token)
    assert door.get("/v1/models", token=known).status == 200
    assert door.get("/v1/models", token=expired).status == 401

    with killed(stack):
        gone = time.monotonic()
        new = [door.get(path, token=token).status for path, token in zip(PATHS, fresh, strict=True)]
        nobody = [door.get(path).status for path in PATHS]
        bad = door.get("/v1/models", token=expired).status
        while (status := door.get("/v1/models", token=known).status) == 200:
            assert time.monotonic() - gone < STALE_SECONDS
            time.sleep(0.05)

    assert new == [503] * len(PATHS)
    assert set(nobody) <= {401, 503}
    assert bad in (401, 503)
    assert status == 503
    assert door.get("/v1/models", token=fresh[0]).status == 200


def test_an_auth_that_hangs_lets_nobody_pass(stack: Stack, door: Door, forge: Forge, eve: Person) -> None:
    fresh = forge.anew(eve.token, jti="hanging")
    tokens = [fresh, fresh[:-4] + "AAAA", "garbage", None]

    with hanging(stack), ThreadPoolExecutor(len(tokens)) as pool:
        started = time.monotonic()
        answers = list(pool.map(lambda token: door.get("/v1/conversations", token=token), tokens))
        seconds = time.monotonic() - started

    assert [answer.status for answer in answers] == [503] * 4
    assert not any(eve.canary.encode() in answer.body for answer in answers)
    assert seconds < 3.5
