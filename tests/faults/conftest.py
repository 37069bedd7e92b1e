"""The whole system with little patience for its model, people who use it, and the model that misbehaves."""

import os
from collections.abc import Callable, Iterator

import httpx
import pytest

from dev.offline_llm.testing import OfflineLLM
from dev.stack import Stack

from .people import Person, sign_up

FIRST_CHUNK_SECONDS = 2.0
BETWEEN_CHUNKS_SECONDS = 1.0
SETTINGS = {
    "OFFLINE_LLM_TOKENS_PER_SECOND": "2000",
    "MODEL_FIRST_CHUNK_SECONDS": str(FIRST_CHUNK_SECONDS),
    "MODEL_BETWEEN_CHUNKS_SECONDS": str(BETWEEN_CHUNKS_SECONDS),
    "MAX_OUTPUT_TOKENS": "200000",
    "SHUTDOWN_SECONDS": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_ITERATIONS": "1",
    "ARGON2_LANES": "1",
    **{f"GATEWAY_{bucket}_PER_MINUTE": "1000000" for bucket in ("AUTH", "TURNS", "UPLOADS", "REST")},
    "TURNS_PER_MINUTE": "1000000",
    "TOKENS_PER_MINUTE": "1000000000",
    "USER_RUNNING": "1000",
}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    os.environ.pop("TOGETHER_API_KEY", None)
    with Stack(tmp_path_factory.mktemp("stack"), environment=SETTINGS) as running:
        yield running


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """One client for everybody: what tells people apart is in each request. Nothing may take half a minute."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    with httpx.Client(base_url=stack.url, timeout=30.0, limits=limits) as client:
        yield client


@pytest.fixture(scope="session")
def newcomer(http: httpx.Client) -> Callable[[], Person]:
    """Makes people."""
    return lambda: sign_up(http)


@pytest.fixture
def ada(newcomer: Callable[[], Person]) -> Person:
    return newcomer()


@pytest.fixture(scope="session")
def llm(stack: Stack) -> Iterator[OfflineLLM]:
    url = f"http://127.0.0.1:{stack.addresses['offline-llm']}"
    with httpx.Client(base_url=url) as control:
        yield OfflineLLM(url, control)
