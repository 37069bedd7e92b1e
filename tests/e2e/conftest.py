"""The whole system, started once for all journeys as `make up` starts it, on folders and ports of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dev.stack import Stack

from .people import Person, sign_up


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Without a key in its settings, so that the model is offline-llm; in a hurry, so that tests are."""
    os.environ.pop("TOGETHER_API_KEY", None)
    hurry = {"OFFLINE_LLM_TOKENS_PER_SECOND": "2000", "LOG_LEVEL": "info", "GATEWAY_AUTH_PER_MINUTE": "10000"}
    with Stack(tmp_path_factory.mktemp("stack"), environment=hurry) as running:
        yield running


@pytest.fixture
def gateway(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30.0) as client:
        yield client


@pytest.fixture
def offline(stack: Stack) -> Iterator[httpx.Client]:
    """The control door of the model stand-in; faults end with the test."""
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.addresses['offline-llm']}") as client:
        client.delete("/_offline/requests")
        yield client
        client.delete("/_offline/faults")


@pytest.fixture
def somebody(stack: Stack) -> Iterator[Person]:
    """A person with an account of their own."""
    with sign_up(stack.url) as person:
        yield person


@pytest.fixture
def newcomer(stack: Stack) -> Iterator[Callable[[], Person]]:
    """Makes further people."""
    people: list[Person] = []

    def come() -> Person:
        people.append(sign_up(stack.url))
        return people[-1]

    yield come
    for person in people:
        person.close()


@pytest.fixture(scope="session")
def documents() -> Path:
    """Documents made by other programs than the ones that read them; their README says which."""
    return Path(__file__).parent / "documents"
