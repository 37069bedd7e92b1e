"""Completions and models served for real, with offline-llm as the provider; what is recorded is kept in a list."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI

from chassis.app import create_app
from chassis.identity import Identity, Principal, RemoteKeys
from chassis.testing import FakeAuth, serve
from chat_service.clients.model import Model
from chat_service.completions import CompletionLimits, Completions
from chat_service.embeddings import Embeddings
from chat_service.ledger_records import CallRecord
from chat_service.model_files import read_models
from chat_service.models import Catalogue
from chat_service.routes import completions, embeddings, models
from chat_service.running_calls import RunningCalls
from chat_service.settings import Settings
from chat_service.unkept_answers import UnkeptAnswers
from dev.offline_llm.testing import OfflineLLM, running


@dataclass
class Chat:
    """A running service: its URL, its ledger, and clients that are signed in."""

    url: str
    auth: FakeAuth
    recorded: list[CallRecord]

    def http(self, **claims: Any) -> httpx.Client:
        """Plain HTTP, signed in as user_1 unless the claims say otherwise."""
        return httpx.Client(base_url=self.url, headers=self.auth.headers(**claims), trust_env=False, timeout=10)

    def sdk(self) -> openai.OpenAI:
        """OpenAI's own client, which would hide a failure behind its retries if it made any."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.auth.access_token(), max_retries=0)


@asynccontextmanager
async def admit(_: Principal) -> AsyncIterator[dict[str, str]]:
    """Everybody may."""
    yield {}


async def no_key(_: str) -> None:
    """Nobody has a key of their own."""


def build(settings: Settings, record: Callable[[CallRecord], Any]) -> FastAPI:
    """The half of chat-service that needs no database."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(trust_env=False) as http, Model(settings) as model:
            app.state.identity = Identity("chat", RemoteKeys(settings.auth_url, http), {})
            app.state.settings = settings
            app.state.catalogue = Catalogue(read_models(settings.models_file), model.models)
            app.state.allowances = app.state.stored_completions = None  # no test here names a conversation
            limits = CompletionLimits.from_settings(settings)
            async with RunningCalls(admit, record, UnkeptAnswers(60.0)) as calls:
                app.state.completions = Completions(model, app.state.catalogue, calls, limits, no_key)
                app.state.embeddings = Embeddings(
                    model, app.state.catalogue, calls, settings.completion_max_characters, no_key
                )
                yield

    routers = [completions.router, embeddings.router, models.router]
    return create_app("chat", settings, routers=routers, lifespan=lifespan)


@pytest.fixture(scope="session")
def llm() -> Iterator[OfflineLLM]:
    with running() as offline:
        yield offline


@pytest.fixture(scope="session")
def auth() -> Iterator[tuple[FakeAuth, str]]:
    fake = FakeAuth()
    with serve(fake.app) as url:
        yield fake, url


@pytest.fixture(scope="session")
def running_chats(llm: OfflineLLM, auth: tuple[FakeAuth, str]) -> Iterator[Callable[..., Chat]]:
    """One service for each set of settings that a test asks for, started when it first does."""
    fake, auth_url = auth
    chats: dict[str, Chat] = {}
    with ExitStack() as stack:

        def find_or_start(**settings: Any) -> Chat:
            name = repr(sorted(settings.items()))
            if name not in chats:
                recorded: list[CallRecord] = []

                async def record(call: CallRecord) -> None:
                    recorded.append(call)

                app = build(Settings(auth_url=auth_url, together_base_url=llm.url, **settings), record)
                chats[name] = Chat(stack.enter_context(serve(app)), fake, recorded)
            return chats[name]

        yield find_or_start


@pytest.fixture
def start(running_chats: Callable[..., Chat], llm: OfflineLLM) -> Callable[..., Chat]:
    """A service with these settings beside the defaults, an empty ledger and a provider that behaves."""
    llm.behave()

    def started(**settings: Any) -> Chat:
        chat = running_chats(**settings)
        chat.recorded.clear()
        return chat

    return started


@pytest.fixture
def chat(start: Callable[..., Chat]) -> Chat:
    return start()
