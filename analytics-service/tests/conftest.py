"""A running analytics service, and chat as it reports to it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from analytics_service.main import create_app
from analytics_service.settings import Settings
from chassis.events import EVENTS_PATH
from chassis.ids import new_id
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import FakeAuth, serve, service_token


class Analytics:
    """The service over HTTP, as users and as chat see it."""

    def __init__(self, url: str, settings: Settings, auth: FakeAuth) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False)
        self.auth = auth
        self._secret = settings.secret_chat_analytics.get_secret_value()
        self._auths_secret = settings.secret_auth_analytics.get_secret_value()

    def as_chat(self, caller: str = "chat") -> dict[str, str]:
        """The headers of a request that chat makes."""
        return {"authorization": f"Bearer {service_token(caller, 'analytics', self._secret)}"}

    def deliver(self, *events: dict[str, Any], caller: str = "chat") -> httpx.Response:
        """Posts events as chat's relay does."""
        return self.http.post(EVENTS_PATH, json={"events": list(events)}, headers=self.as_chat(caller))

    def outcomes(self, *events: dict[str, Any]) -> list[tuple[str, str | None]]:
        """Delivers and returns (outcome, code) of each."""
        answer = self.deliver(*events)
        assert answer.status_code == 200, answer.text
        return [(outcome["outcome"], outcome["code"]) for outcome in answer.json()["outcomes"]]

    def merge(self, owner: str, into: str) -> httpx.Response:
        """As auth tells when a guest signs up or in."""
        return self._as_auth(MERGE_PATH, {"owner": owner, "into": into})

    def erase(self, owner: str, pseudonym: str = "gone_1") -> httpx.Response:
        """As auth tells when an account is deleted."""
        return self._as_auth(ERASE_PATH, {"owner": owner, "pseudonym": pseudonym})

    def _as_auth(self, path: str, body: dict[str, str]) -> httpx.Response:
        headers = {"authorization": f"Bearer {service_token('auth', 'analytics', self._auths_secret)}"}
        return self.http.post(path, json=body, headers=headers)

    def usage(self, user_id: str = "user_1", **period: Any) -> dict[str, Any]:
        """The report of a period; `start` and `end` stand for `from` and `to`."""
        names = {"start": "from", "end": "to"}
        params = {names[name]: value for name, value in period.items()}
        answer = self.http.get("/v1/usage", params=params, headers=self.auth.headers(user_id))
        assert answer.status_code == 200, answer.text
        return answer.json()


def usage_event(**changes: Any) -> dict[str, Any]:
    """A `usage.recorded` as chat sends it; keyword arguments replace fields of its data."""
    data = {
        "call_id": new_id("call"),
        "owner": "user_1",
        "purpose": "turn",
        "conversation_id": "conv_1",
        "response_id": "resp_1",
        "key_id": None,
        "mode": "deepthinks",
        "model": "example/large",
        "input_tokens": 100,
        "cached_tokens": 40,
        "output_tokens": 20,
        "reasoning_tokens": 5,
        "source": "provider",
        "outcome": "completed",
        "created_at": 1_760_000_000,
        "latency_ms": 900,
        "first_token_ms": 120.5,
        **changes,
    }
    return {
        "id": new_id("evt"),
        "kind": "usage.recorded",
        "key": data["call_id"],
        "created_at": data["created_at"],
        "data": data,
    }


Running = Callable[[], AbstractContextManager[Analytics]]


@pytest.fixture(scope="session")
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture(scope="session")
def auth_url(auth: FakeAuth) -> Iterator[str]:
    with serve(auth.app) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, auth_url: str) -> Settings:
    return Settings(auth_url=auth_url, service_data=tmp_path / "data", storage_reserve_bytes=0)


@pytest.fixture
def running(settings: Settings, auth: FakeAuth) -> Running:
    """`with running() as analytics` serves it, again and again on the same data."""

    @contextmanager
    def start() -> Iterator[Analytics]:
        with serve(create_app(settings)) as url:
            yield Analytics(url, settings, auth)

    return start


@pytest.fixture
def analytics(running: Running) -> Iterator[Analytics]:
    with running() as analytics:
        yield analytics
