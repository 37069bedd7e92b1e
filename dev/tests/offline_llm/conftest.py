from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from together import AsyncTogether

from dev.offline_llm.testing import OfflineLLM, running

KEY = "any-key"


@pytest.fixture(scope="session")
def server() -> Iterator[OfflineLLM]:
    with running() as server:
        yield server


@pytest.fixture
def llm(server: OfflineLLM) -> OfflineLLM:
    server.behave()
    return server


@pytest.fixture
async def together(llm: OfflineLLM) -> AsyncIterator[AsyncTogether]:
    async with AsyncTogether(base_url=llm.url, api_key=KEY, max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture
async def http(llm: OfflineLLM) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=llm.url, headers=headers, trust_env=False, timeout=5) as client:
        yield client
