"""The whole system, started once for all attacks, with people in it."""

import os
from collections.abc import Callable, Iterator

import httpx
import pytest

from chassis.testing import serve
from dev.fake_google import CERTIFICATES_PATH, CLIENT_ID, FakeGoogle
from dev.stack import Stack
from gateway.tests.door import Door

from .asks import Sender
from .credentials import Forge
from .people import Person, enter_as_guest, furnish, sign_up

ALLOWED_ORIGIN = "https://chat.example"
SETTINGS = {
    "OFFLINE_LLM_TOKENS_PER_SECOND": "2000",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_ITERATIONS": "1",
    "ARGON2_LANES": "1",
    "GATEWAY_ALLOWED_ORIGINS": ALLOWED_ORIGIN,
    **{f"GATEWAY_{bucket}_PER_MINUTE": "100000" for bucket in ("AUTH", "TURNS", "UPLOADS", "REST")},
    **dict.fromkeys(("GUEST_TURNS", "USER_RUNNING", "TURNS_PER_MINUTE"), "100000"),
}
CAREFUL = {
    "EMAIL_VERIFICATION": "required",
    "APP_URL": "https://app.example",
    "GATEWAY_TRUSTED_PROXY": "127.0.0.1",  # so that a test chooses where its requests come from
    "FAILED_LOG_INS_PER_ADDRESS": "8",
    "FAILED_LOG_INS_PER_ACCOUNT": "6",
    "REFRESH_GRACE_SECONDS": "1",
    "SAGA_WAIT_SECONDS": "0.5",
    "SHORT_TERM_MEMORY_K": "2",
    "ARGON2_MEMORY_KIB": "8192",  # dear enough for its absence to be felt
    "ARGON2_ITERATIONS": "2",
    "ARGON2_WAITING": "60",
}


@pytest.fixture(scope="session")
def google() -> FakeGoogle:
    """Google, as far as both systems know."""
    return FakeGoogle()


@pytest.fixture(scope="session")
def google_settings(google: FakeGoogle) -> Iterator[dict[str, str]]:
    with serve(google.app) as url:
        yield {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CERTS_URL": url + CERTIFICATES_PATH}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, google_settings: dict[str, str]) -> Iterator[Stack]:
    os.environ.pop("TOGETHER_API_KEY", None)
    with Stack(tmp_path_factory.mktemp("stack"), environment=SETTINGS | google_settings) as running:
        yield running


@pytest.fixture(scope="session")
def careful(tmp_path_factory: pytest.TempPathFactory, google_settings: dict[str, str]) -> Iterator[Stack]:
    """A second system: addresses are verified, it stands behind a proxy, and little is forgiven."""
    os.environ.pop("TOGETHER_API_KEY", None)
    with Stack(tmp_path_factory.mktemp("careful"), environment=SETTINGS | CAREFUL | google_settings) as running:
        yield running


@pytest.fixture(scope="session")
def door(stack: Stack) -> Door:
    """The gateway, spoken to in bytes."""
    return Door(stack.port)


@pytest.fixture(scope="session")
def forge(stack: Stack) -> Forge:
    """Whoever holds the system's secrets: makes every kind of credential."""
    return Forge.of(stack)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """One client for everything: what tells people apart is in each request."""
    with httpx.Client(timeout=30.0) as client:
        yield client


@pytest.fixture(scope="session")
def sender(stack: Stack, http: httpx.Client) -> Sender:
    return Sender(stack, http)


@pytest.fixture(scope="session")
def ada(stack: Stack) -> Iterator[Person]:
    """Somebody with one of each thing, whom others are after."""
    with sign_up(stack.url) as person:
        yield furnish(person)


@pytest.fixture(scope="session")
def eve(stack: Stack) -> Iterator[Person]:
    """Somebody else, who has one of each thing too."""
    with sign_up(stack.url) as person:
        yield furnish(person)


@pytest.fixture(scope="session")
def guest(stack: Stack) -> Iterator[Person]:
    with enter_as_guest(stack.url) as person:
        yield furnish(person)


@pytest.fixture
def newcomer(stack: Stack) -> Iterator[Callable[[], Person]]:
    """Makes people for one test."""
    people: list[Person] = []

    def come() -> Person:
        people.append(sign_up(stack.url))
        return people[-1]

    yield come
    for person in people:
        person.http.close()
