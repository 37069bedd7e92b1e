"""A running stand-in for Google, and auth services that take its ID tokens."""

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
from dev.fake_google import CERTIFICATES_PATH, CLIENT_ID, FakeGoogle, SigningKey

from ...conftest import ALONE, CHEAP_ARGON2, Client, Start, bearer
from ...kept import Kept

OTHER_CLIENT_ID = "1069208-deepthinks-android.apps.googleusercontent.com"


class GoogleClient(Client):
    """A client of an auth service that takes Google's ID tokens."""

    def google(self, id_token: str, **more: Any) -> httpx.Response:
        return self.post("/v1/auth/google", json={"id_token": id_token, **more})

    def nonce(self) -> str:
        answer = self.post("/v1/auth/google/nonce")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["nonce"])

    def link(self, tokens: dict[str, Any], id_token: str, **more: Any) -> httpx.Response:
        return self.post("/v1/auth/google/link", json={"id_token": id_token, **more}, headers=bearer(tokens))

    def unlink(self, tokens: dict[str, Any]) -> httpx.Response:
        return self.delete("/v1/auth/google/link", headers=bearer(tokens))

    def identities(self, tokens: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.get("/v1/auth/identities", headers=bearer(tokens))
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


StartGoogle = Callable[..., AbstractContextManager[GoogleClient]]


@pytest.fixture
def subject() -> str:
    return f"1{uuid4().int}"[:21]


@pytest.fixture(scope="session")
def signing_keys() -> list[SigningKey]:
    """Making keys takes a while; only what is done with them matters."""
    return [SigningKey() for _ in range(2)]


@pytest.fixture(scope="session")
def shared_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("google")
    clients = f"{CLIENT_ID}, {OTHER_CLIENT_ID}"
    return Settings(service_data=folder, google_client_id=clients, **CHEAP_ARGON2, **ALONE)


@pytest.fixture(scope="session")
def google(signing_keys: list[SigningKey]) -> FakeGoogle:
    """The one that the shared service asks; tests leave it as it is."""
    return FakeGoogle(*signing_keys)


@pytest.fixture(scope="session")
def auth(google: FakeGoogle, shared_settings: Settings) -> Iterator[GoogleClient]:
    with serve(google.app) as url:
        settings = shared_settings.model_copy(update={"google_certs_url": url + CERTIFICATES_PATH})
        with serve(create_app(settings)) as address, GoogleClient(address) as client:
            yield client


@pytest.fixture
def kept(shared_settings: Settings) -> Kept:
    return Kept(shared_settings.service_data)


@pytest.fixture
def own_google(signing_keys: list[SigningKey]) -> FakeGoogle:
    """One that the test may do with as it likes."""
    return FakeGoogle(*signing_keys)


@pytest.fixture
def start_google(start: Start, tmp_path: Path, own_google: FakeGoogle) -> StartGoogle:
    """A service of the test's own that asks `own_google`, on the test's clock."""

    @contextmanager
    def started(**changed: Any) -> Iterator[GoogleClient]:
        with serve(own_google.app) as url:
            base = {
                "service_data": tmp_path,
                "google_client_id": CLIENT_ID,
                "google_certs_url": url + CERTIFICATES_PATH,
            }
            with start(Settings(**{**base, **CHEAP_ARGON2, **ALONE, **changed})) as client:
                with GoogleClient(str(client.base_url)) as google_client:
                    yield google_client

    return started
