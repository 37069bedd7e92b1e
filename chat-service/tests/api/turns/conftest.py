"""A whole chat-service: its own SQLite file, offline-llm as the model, stand-ins for its neighbours."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import httpx
import openai
import pytest

from chassis.ids import new_id
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.settings import development_secret
from chassis.testing import FakeAuth, eventually, serve, service_token
from chat_service.main import create_app
from chat_service.settings import Settings
from dev.offline_llm.testing import OfflineLLM, running

from .neighbours import Neighbours, running_neighbours


class Chat:
    """The service over HTTP, as one user sees it."""

    def __init__(self, url: str, auth: FakeAuth, folder: Path, user_id: str) -> None:
        self.url = url
        self.auth = auth
        self.folder = folder
        self.user_id = user_id

    def somebody_else(self) -> "Chat":
        """The same service for another user."""
        return self.called(new_id("user"))

    def http(self, **claims: Any) -> httpx.Client:
        """Plain HTTP, signed in."""
        headers = self.auth.headers(self.user_id, **claims)
        # Reading the certificates of the world would take longer than most requests here.
        return httpx.Client(base_url=f"{self.url}/v1", headers=headers, trust_env=False, verify=False, timeout=15)

    def sdk(self) -> openai.OpenAI:
        """OpenAI's own client, without retries that would hide a failure."""
        key = self.auth.access_token(self.user_id)
        plain = openai.DefaultHttpxClient(verify=False, trust_env=False)
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, http_client=plain)

    def called(self, user_id: str) -> "Chat":
        """The same service for a user of that name."""
        return Chat(self.url, self.auth, self.folder, user_id)

    def told(self, path: str, body: dict[str, str], caller: str = "auth", secret: str = "auth-chat") -> httpx.Response:
        """What a neighbour gets that says something of an owner."""
        token = service_token(caller, "chat", development_secret(secret).get_secret_value())
        headers = {"authorization": f"Bearer {token}"}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, trust_env=False, timeout=15)

    def merge_into(self, account: "Chat") -> dict[str, int]:
        """Auth says that this guest is part of an account from now on."""
        answer = self.told(MERGE_PATH, {"owner": self.user_id, "into": account.user_id})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["counts"])

    def erase(self, pseudonym: str = "former_1") -> dict[str, int]:
        """Auth says that this user is gone."""
        answer = self.told(ERASE_PATH, {"owner": self.user_id, "pseudonym": pseudonym})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["counts"])

    def ask(self, asked: str | list[dict[str, Any]], /, **fields: Any) -> dict[str, Any]:
        """One whole turn."""
        answer = self.http().post("/responses", json={"model": "deepthinks", "input": asked, **fields})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @contextmanager
    def streaming(self, text: str, **fields: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a streamed turn, as they come."""
        body = {"model": "deepthinks", "input": text, "stream": True, **fields}
        with self.http().stream("POST", "/responses", json=body) as answer:
            assert answer.status_code == 200, answer.read()
            yield events_of(answer.iter_lines())

    def ledger(self) -> list[dict[str, Any]]:
        """The calls that are put to this user, in the order in which they were written down; no route shows them."""
        with closing(apsw.Connection(str(self.folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY)) as database:
            columns = ("call_id", "purpose", "outcome", "input_tokens", "output_tokens")
            rows = database.execute(
                f"select {', '.join(columns)} from ledger where owner = ? order by rowid", (self.user_id,)
            )
            return [dict(zip(columns, row, strict=True)) for row in rows]

    def until(self, response_id: str, *statuses: str) -> dict[str, Any]:
        """Waits until a response has ended, in one of these ways if any are given."""
        with self.http() as http:

            def ended() -> dict[str, Any] | None:
                response = http.get(f"/responses/{response_id}").json()
                return None if response["status"] == "in_progress" else dict(response)

            found = eventually(ended)
        assert not statuses or found["status"] in statuses, found
        return found


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The data of server-sent events."""
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def until_open(llm: OfflineLLM, count: int = 1) -> None:
    """Waits until so many calls of the model are open."""
    eventually(lambda: llm.open_streams() >= count)


def until_closed(llm: OfflineLLM) -> None:
    """Waits until no call of the model is open."""
    eventually(lambda: not llm.open_streams())


@pytest.fixture(scope="session")
def llm_server() -> Iterator[OfflineLLM]:
    with running() as offline:
        yield offline


@pytest.fixture
def llm(llm_server: OfflineLLM) -> OfflineLLM:
    llm_server.behave()
    return llm_server


@pytest.fixture(scope="session")
def auth() -> Iterator[tuple[FakeAuth, str]]:
    fake = FakeAuth()
    with serve(fake.app) as url:
        yield fake, url


@pytest.fixture(scope="session")
def running_ones() -> Iterator[Neighbours]:
    with running_neighbours() as neighbours:
        yield neighbours


@pytest.fixture
def user_id() -> str:
    """A user of this test alone, so that tests can share servers."""
    return new_id("user")


@pytest.fixture
def neighbours(running_ones: Neighbours, user_id: str) -> Neighbours:
    running_ones.begin(user_id)
    return running_ones


@pytest.fixture(scope="session")
def environment(llm_server: OfflineLLM, auth: tuple[FakeAuth, str], running_ones: Neighbours) -> dict[str, Any]:
    """The settings that every chat-service of these tests has."""
    return {
        "auth_url": auth[1],
        "together_base_url": llm_server.url,
        "memory_url": running_ones.memory.url,
        "files_url": running_ones.files.url,
        "analytics_url": running_ones.analytics.url,
        "model_retries": 0,
        "memory_seconds": 2.0,
        "shutdown_seconds": 0,
        "user_running": 1_000,
        "turns_per_minute": 100_000,
    }


@pytest.fixture(scope="session")
def shared(environment: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("chat")
    with serve(create_app(Settings(**environment, service_data=folder))) as url:
        yield url, folder


@pytest.fixture
def chat(
    shared: tuple[str, Path], auth: tuple[FakeAuth, str], llm: OfflineLLM, neighbours: Neighbours, user_id: str
) -> Chat:
    """A service with the usual settings, and a new user."""
    url, folder = shared
    return Chat(url, auth[0], folder, user_id)


@pytest.fixture
def start(
    environment: dict[str, Any],
    auth: tuple[FakeAuth, str],
    llm: OfflineLLM,
    neighbours: Neighbours,
    user_id: str,
    tmp_path: Path,
) -> Callable[..., AbstractContextManager[Chat]]:
    """Runs a service of the test's own, with these settings beside the usual ones, on the test's own folder."""

    @contextmanager
    def started(**settings: Any) -> Iterator[Chat]:
        given = Settings(**{**environment, "service_data": tmp_path, **settings})
        with serve(create_app(given)) as url:
            yield Chat(url, auth[0], tmp_path, user_id)

    return started
