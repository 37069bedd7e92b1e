"""A running memory service, chat as it reports to it, and the offline model as its summariser."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.events import EVENTS_PATH
from chassis.ids import new_id
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import FakeAuth, serve, service_token
from dev.offline_llm.testing import OfflineLLM
from dev.offline_llm.testing import running as offline_llm_running
from memory_service.main import create_app
from memory_service.settings import Settings

SOON = 20.0
CANARY = "Xylocanary"
"""A word for what must leave every file."""
START = 1_760_000_000.0


class Memory:
    """The service over HTTP, as users and as chat see it."""

    def __init__(self, url: str, settings: Settings, auth: FakeAuth) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False)
        self.auth = auth
        self._secret = settings.secret_chat_memory.get_secret_value()
        self._auth_secret = settings.secret_auth_memory.get_secret_value()

    def chat_headers(self, caller: str = "chat") -> dict[str, str]:
        return {"authorization": f"Bearer {service_token(caller, 'memory', self._secret)}"}

    def tell(self, path: str, **body: str) -> httpx.Response:
        """Says something about an owner, as auth does."""
        headers = {"authorization": f"Bearer {service_token('auth', 'memory', self._auth_secret)}"}
        return self.http.post(path, json=body, headers=headers)

    def merge(self, owner: str, into: str) -> dict[str, int]:
        """Merges a guest; returns what memory counted."""
        return self._counts(self.tell(MERGE_PATH, owner=owner, into=into))

    def erase(self, owner: str, pseudonym: str = "gone_1") -> dict[str, int]:
        """Erases an account; returns what memory counted."""
        return self._counts(self.tell(ERASE_PATH, owner=owner, pseudonym=pseudonym))

    def _counts(self, answer: httpx.Response) -> dict[str, int]:
        assert answer.status_code == 200, answer.text
        counts: dict[str, int] = answer.json()["counts"]
        return counts

    def deliver(self, *events: dict[str, Any]) -> list[str]:
        """Posts events as chat's relay does; returns the outcomes."""
        answer = self.http.post(EVENTS_PATH, json={"events": list(events)}, headers=self.chat_headers())
        assert answer.status_code == 200, answer.text
        return [outcome["outcome"] for outcome in answer.json()["outcomes"]]

    def context(self, conversation_id: str, tail: list[str], query: str = "", budget: int = 8000, **more: Any) -> Any:
        """The context of a turn."""
        body = {
            "owner": "user_1",
            "conversation_id": conversation_id,
            "tail": tail,
            "query": query,
            "token_budget": budget,
            **more,
        }
        answer = self.http.post("/internal/context", json=body, headers=self.chat_headers())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, user_id: str = "user_1", **params: Any) -> httpx.Response:
        return self.http.get(path, params=params, headers=self.auth.headers(user_id))

    def keep_facts_apart(self, user_id: str) -> None:
        """The user wants facts to count only where they were said."""
        body = {"facts_across_conversations": False}
        answer = self.http.patch("/v1/memory/settings", json=body, headers=self.auth.headers(user_id))
        assert answer.is_success, answer.text

    def show(self, conversation_id: str, user_id: str = "user_1") -> Any:
        """What the user sees of a conversation's memory."""
        answer = self.get(f"/v1/memory/conversations/{conversation_id}", user_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def forget(self, conversation_id: str, user_id: str = "user_1") -> httpx.Response:
        return self.http.delete(f"/v1/memory/conversations/{conversation_id}", headers=self.auth.headers(user_id))

    def forget_topic(self, topic: str, user_id: str = "user_1", **more: Any) -> httpx.Response:
        return self.http.post(
            "/v1/memory/forget", json={"topic": topic, **more}, headers=self.auth.headers(user_id), timeout=30
        )

    def search(self, q: str, user_id: str = "user_1", **params: Any) -> list[dict[str, Any]]:
        answer = self.get("/v1/memory/search", user_id, q=q, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def eventually(self, conversation_id: str, fits: Callable[[Any], bool], user_id: str = "user_1") -> Any:
        """The conversation's memory once it fits; fails when it does not soon."""
        deadline = time.monotonic() + SOON
        while True:
            shown = self.show(conversation_id, user_id)
            if fits(shown):
                return shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.01)


class Talk:
    """A conversation on its way: makes the events that chat would send, each turn continuing from the last."""

    def __init__(self, owner: str = "user_1") -> None:
        self.id = new_id("conv")
        self.owner = owner
        self.turns: list[str] = []
        self._depths: dict[str, int] = {}

    def turn(self, user: str, assistant: str = "I see.", *, after: str | None = None, **changes: Any) -> dict[str, Any]:
        """The next turn's event; `after` continues from an older turn instead."""
        parent = after or (self.turns[-1] if self.turns else None)
        depth = self._depths[parent] + 1 if parent else 1
        turn_id = new_id("resp")
        self.turns.append(turn_id)
        self._depths[turn_id] = depth
        at = START + 60.0 * len(self._depths)
        data = {
            "owner": self.owner,
            "conversation_id": self.id,
            "turn_id": turn_id,
            "parent_id": parent,
            "depth": depth,
            "status": "completed",
            "user_text": user,
            "assistant_text": assistant,
            "file_ids": [],
            "model": "example/large",
            "created_at": at,
            "ended_at": at + 5,
            **changes,
        }
        return self._event("turn.ended", data)

    def revised(self, turn_id: str, user: str = "", assistant: str = "", **changes: Any) -> dict[str, Any]:
        """The event of a turn that says something else now; without texts it is empty."""
        data = {
            "owner": self.owner,
            "conversation_id": self.id,
            "turn_id": turn_id,
            "user_text": user,
            "assistant_text": assistant,
            **changes,
        }
        return self._event("turn.revised", data)

    def deleted(self, **changes: Any) -> dict[str, Any]:
        return self._event("conversation.deleted", {"owner": self.owner, "conversation_id": self.id, **changes})

    def _event(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"id": new_id("evt"), "kind": kind, "key": self.id, "created_at": START, "data": data}


def asked_about(model: OfflineLLM, text: str) -> list[dict[str, Any]]:
    """The calls to the summariser that were about this text."""
    bodies = [request["body"] for request in model.requests()]
    return [body for body in bodies if text in body["messages"][-1]["content"]]


def held(text: str) -> dict[str, Any]:
    """A fault rule: the summariser has calls about this text wait, until `go_on`."""
    return {"match": {"text_contains": text}, "fault": {"held": True}}


def go_on(model: OfflineLLM) -> None:
    """Drops every fault rule: calls that were held are answered now."""
    model.control.delete("/_offline/faults").raise_for_status()


def answered(model: OfflineLLM, text: str) -> bool:
    """Whether the summariser has answered a call that was about this text."""
    return any(each["chunks_sent"] for each in model.requests() if text in str(each["body"]))


def folded(shown: Any) -> bool:
    """Whether the summariser has done all it was asked for."""
    return shown["statistics"]["folded_turns"] > 0 and shown["statistics"]["folds_pending"] == 0


def said_in(context: Any) -> list[tuple[str, str]]:
    """The verbatim turns of a context."""
    return [(message["role"], message["content"]) for message in context["messages"] if message["role"] != "system"]


def files_with_canary(folder: Path) -> list[str]:
    """Looks for its middle: the index keeps stems, without what they share with the word before."""
    return [path.name for path in folder.iterdir() if b"locanar" in path.read_bytes().lower()]


def long_text(topic: str, words: int = 400) -> str:
    """A text of about so many words on one topic."""
    return " ".join(f"{topic} remark {number}." for number in range(words // 3))


Running = Callable[..., AbstractContextManager[Memory]]


@pytest.fixture(scope="session")
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture(scope="session")
def auth_url(auth: FakeAuth) -> Iterator[str]:
    with serve(auth.app) as url:
        yield url


@pytest.fixture(scope="session")
def model_server() -> Iterator[OfflineLLM]:
    with offline_llm_running() as model:
        yield model


@pytest.fixture(autouse=True)
def model(model_server: OfflineLLM) -> OfflineLLM:
    """The summariser, on its best behaviour."""
    model_server.behave()
    return model_server


def settings_for(folder: Path, auth_url: str, model_url: str) -> Settings:
    """Four turns of short-term memory, and no long pauses."""
    return Settings(
        auth_url=auth_url,
        service_data=folder,
        storage_reserve_bytes=0,
        together_base_url=model_url,
        short_term_memory_k=4,
        summarizer_timeout_seconds=5,
        fold_lease_seconds=6,
        fold_first_retry_seconds=0.02,
        fold_longest_retry_seconds=0.1,
    )


@pytest.fixture(scope="session")
def memory(
    auth: FakeAuth, auth_url: str, model_server: OfflineLLM, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Memory]:
    """One service for all tests that leave nothing unfinished behind. Its `user_1` keeps what each says apart."""
    settings = settings_for(tmp_path_factory.mktemp("memory"), auth_url, model_server.url)
    with serve(create_app(settings)) as url:
        service = Memory(url, settings, auth)
        service.keep_facts_apart("user_1")
        yield service


@pytest.fixture
def settings(tmp_path: Path, auth_url: str, model: OfflineLLM) -> Settings:
    return settings_for(tmp_path / "data", auth_url, model.url)


@pytest.fixture
def running(settings: Settings, auth: FakeAuth) -> Running:
    """`with running(setting=value) as memory` serves one of the test's own, again and again on the same data."""

    @contextmanager
    def start(**changes: Any) -> Iterator[Memory]:
        used = settings.model_copy(update=changes)
        with serve(create_app(used)) as url:
            yield Memory(url, used, auth)

    return start
