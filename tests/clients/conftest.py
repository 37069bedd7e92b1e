"""The whole system, started once for all clients, and somebody with an API key."""

import os
from collections.abc import Iterator

import httpx
import pytest

from dev.offline_llm.testing import OfflineLLM
from dev.stack import Stack

from .somebody import Somebody, come
from .wire import Wire

SETTINGS = {
    "OFFLINE_LLM_TOKENS_PER_SECOND": "2000",
    "OFFLINE_LLM_FINISH_REASON": "eos",  # as Together says it for some models
    "STREAM_KEEP_ALIVE_SECONDS": "0.1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_ITERATIONS": "1",
    "ARGON2_LANES": "1",
    **{f"GATEWAY_{bucket}_PER_MINUTE": "100000" for bucket in ("AUTH", "TURNS", "UPLOADS", "REST")},
    "TURNS_PER_MINUTE": "100000",
    "TOKENS_PER_MINUTE": "100000000",
}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    os.environ.pop("TOGETHER_API_KEY", None)
    with Stack(tmp_path_factory.mktemp("stack"), environment=SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def offline_llm(stack: Stack) -> Iterator[OfflineLLM]:
    url = f"http://127.0.0.1:{stack.addresses['offline-llm']}"
    with httpx.Client(base_url=url) as control:
        yield OfflineLLM(url, control)


@pytest.fixture
def offline(offline_llm: OfflineLLM) -> Iterator[OfflineLLM]:
    """The model stand-in, with nothing left of the test before."""
    offline_llm.behave()
    yield offline_llm
    offline_llm.behave()


@pytest.fixture(scope="session")
def somebody(stack: Stack) -> Iterator[Somebody]:
    """A person whose programs use an API key, as programs do."""
    with come(stack.url) as person:
        yield person


@pytest.fixture(scope="session")
def another(stack: Stack) -> Iterator[Somebody]:
    """Somebody else."""
    with come(stack.url) as person:
        yield person


@pytest.fixture(scope="session")
def wire(stack: Stack, somebody: Somebody) -> Wire:
    """The same person, byte by byte."""
    return Wire(stack.port, somebody.key)
