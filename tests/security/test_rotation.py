"""The signing secret is changed while people work: no good token is refused, and later the old secret opens nothing."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from dotenv import unset_key

from dev.stack import ROOT, Stack

from .credentials import header_of
from .people import Person
from .visitors import Visitor, anywhere

CLIENTS = 20
TRY_AGAIN = (502, 503, 504)


def rotate(stack: Stack) -> None:
    """What an operator types; the file is the one that the system was started with."""
    subprocess.run(
        [sys.executable, "-m", "auth_service", "rotate-secret", str(stack.folder / "secrets.env")],
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    stack.restart("auth")


def drop_old_secret(stack: Stack) -> None:
    unset_key(stack.folder / "secrets.env", "JWT_PREVIOUS_SECRET_KEYS")
    stack.restart("auth")


class Worker:
    """Asks all the time with a credential, and as any client does tries again when a part of the system is away."""

    def __init__(self, stack: Stack, credential: str) -> None:
        self._stack = stack
        self._credential = credential
        self.accepted = 0
        self.refused: list[int] = []

    def work(self, until: threading.Event) -> None:
        with Visitor(self._stack, anywhere()) as visitor:
            while not until.is_set():
                headers = {"authorization": f"Bearer {self._credential}"}
                try:
                    status = visitor.get("/v1/conversations", headers=headers).status_code
                except httpx.TransportError:
                    continue
                if status == 200:
                    self.accepted += 1
                elif status not in TRY_AGAIN:
                    self.refused.append(status)
                time.sleep(0.05)


@pytest.fixture
def people(careful: Stack) -> list[Person]:
    with Visitor(careful, anywhere()) as visitor:
        return [visitor.guest() for _ in range(CLIENTS - 1)]


def test_a_rotation_refuses_no_good_token_and_ends_with_the_old_secret_worth_nothing(
    careful: Stack, people: list[Person]
) -> None:
    with Visitor(careful, anywhere()) as visitor:
        owner = visitor.account()
        key = owner.post("/v1/auth/keys", json={"name": "a program", "scopes": ["chat:read"]})["key"]
        workers = [Worker(careful, credential) for credential in (*(person.token for person in people), key)]
        done = threading.Event()
        with ThreadPoolExecutor(CLIENTS) as threads:
            working = [threads.submit(worker.work, done) for worker in workers]
            try:
                rotate(careful)
                before = [worker.accepted for worker in workers]
                refreshed = visitor.refresh(owner.tokens["refresh_token"]).raise_for_status().json()
                deadline = time.monotonic() + 10
                while any(worker.accepted < count + 3 for worker, count in zip(workers, before, strict=True)):
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            finally:
                done.set()
            for each in working:
                each.result()

        assert [worker.refused for worker in workers] == [[]] * CLIENTS
        assert header_of(refreshed["access_token"])["kid"] != header_of(owner.token)["kid"]
        assert len(visitor.get("/.well-known/jwks.json").json()["keys"]) == 2

        drop_old_secret(careful)

        with_key = {"authorization": f"Bearer {key}"}
        assert [visitor.me(person.token).status_code for person in people] == [401] * len(people)
        assert visitor.me(refreshed["access_token"]).status_code == 200
        assert visitor.refresh(refreshed["refresh_token"]).status_code == 200
        assert visitor.get("/v1/conversations", headers=with_key).status_code == 200
        assert len(visitor.get("/.well-known/jwks.json").json()["keys"]) == 1
