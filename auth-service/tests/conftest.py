"""Running auth services with cheap password hashes: one that most tests share, and fresh ones with a clock to turn."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.testing import serve

PASSWORD = "four quiet herons"
CHEAP_ARGON2: dict[str, Any] = {"argon2_memory_kib": 64, "argon2_iterations": 1, "argon2_lanes": 1}
ALONE: dict[str, Any] = {"saga_wait_seconds": 0}
"""Without other services there is nobody to wait for."""


class Clock:
    """The present time, moved forward by what a test adds to `ahead` (seconds)."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Client(httpx.Client):
    """A client of a running auth service, with the requests that many tests begin with."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, verify=False)  # loading certificates costs more than most requests

    def sign_up(self, email: str | None = None, password: str = PASSWORD) -> dict[str, Any]:
        body = {"email": email or fresh_email(), "password": password, "username": "Ada"}
        return self._tokens("/v1/auth/signup", body)

    def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("/v1/auth/login", json={"email": email, "password": password})

    def guest(self) -> dict[str, Any]:
        return self._tokens("/v1/auth/guest", None)

    def refresh(self, refresh_token: str) -> httpx.Response:
        return self.post("/v1/auth/refresh", json={"refresh_token": refresh_token})

    def log_out(self, refresh_token: str) -> httpx.Response:
        return self.post("/v1/auth/logout", json={"refresh_token": refresh_token})

    def check(self, token: str | None, mode: str = "required") -> httpx.Response:
        headers = {"x-auth-mode": mode} | ({"authorization": f"Bearer {token}"} if token else {})
        return self.get("/internal/gateway/check", headers=headers)

    def me(self, token: str) -> httpx.Response:
        return self.get("/v1/auth/me", headers={"authorization": f"Bearer {token}"})

    def _tokens(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        answer = self.post(path, json=body)
        assert answer.status_code == 201, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def fresh_email() -> str:
    return f"{uuid4().hex}@example.org"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The header of somebody who is signed in."""
    return {"authorization": f"Bearer {tokens['access_token']}"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


MakeSettings = Callable[..., Settings]
Start = Callable[[Settings], AbstractContextManager[Client]]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Those of the service that tests share."""
    return Settings(service_data=tmp_path_factory.mktemp("auth"), **CHEAP_ARGON2, **ALONE)


@pytest.fixture(scope="session")
def auth(settings: Settings) -> Iterator[Client]:
    """The service that tests share: each takes an address of its own."""
    with serve(create_app(settings)) as url, Client(url) as client:
        yield client


@pytest.fixture
def email() -> str:
    return fresh_email()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Settings of a service on this test's own folder; keyword arguments replace what matters to the test."""
    return lambda **changed: Settings(**{"service_data": tmp_path, **CHEAP_ARGON2, **ALONE, **changed})


@pytest.fixture
def start(clock: Clock) -> Start:
    """`with start(settings) as auth:` runs a service of the test's own, on the test's clock."""

    @contextmanager
    def started(settings: Settings) -> Iterator[Client]:
        with serve(create_app(settings, clock)) as url, Client(url) as client:
            yield client

    return started


@pytest.fixture
def fresh(start: Start, make_settings: MakeSettings) -> Iterator[Client]:
    """A service of the test's own, on the test's clock."""
    with start(make_settings()) as client:
        yield client
