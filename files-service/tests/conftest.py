"""A running files service, and users and chat as they use it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import FakeAuth, serve, service_token
from files_service.main import create_app
from files_service.settings import Settings

SETTLED_SECONDS = 20.0


class FilesService:
    """The service over HTTP, as users and as chat see it."""

    def __init__(self, url: str, settings: Settings, auth: FakeAuth) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self.auth = auth
        self.data = settings.service_data
        self.blobs = settings.service_data / "blobs"
        self._secret = settings.secret_chat_files.get_secret_value()
        self._auths_secret = settings.secret_auth_files.get_secret_value()

    def sdk(self, user_id: str = "user_1") -> OpenAI:
        """OpenAI's own client."""
        return OpenAI(base_url=f"{self.url}/v1", api_key=self.auth.access_token(user_id), max_retries=0)

    def get(self, path: str, user_id: str = "user_1", **params: Any) -> httpx.Response:
        return self.http.get(f"/v1/files{path}", params=params, headers=self.auth.headers(user_id))

    def post(self, content: bytes, name: str = "a.txt", user_id: str = "user_1", **fields: str) -> httpx.Response:
        """Uploads; the answer may be a refusal."""
        headers = self.auth.headers(user_id)
        return self.http.post("/v1/files", files={"file": (name, content)}, data=fields, headers=headers)

    def upload(self, content: bytes, name: str = "a.txt", user_id: str = "user_1") -> dict[str, Any]:
        """Uploads; returns the file object."""
        answer = self.post(content, name, user_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, file_id: str, user_id: str = "user_1") -> httpx.Response:
        return self.http.delete(f"/v1/files/{file_id}", headers=self.auth.headers(user_id))

    def clear(self) -> None:
        """Deletes every file of `user_1`."""
        for file in self.get("", limit=100).json()["data"]:
            self.delete(file["id"])

    def settled(self, file_id: str, user_id: str = "user_1", seconds: float = SETTLED_SECONDS) -> dict[str, Any]:
        """The file object once it is ready or failed."""
        file: dict[str, Any] = {}

        def is_settled() -> bool:
            file.update(self.get(f"/{file_id}", user_id).json())
            return file["state"] in ("ready", "failed")

        wait_until(is_settled, seconds)
        return file

    def text(self, content: bytes, name: str = "a.txt") -> str:
        """Uploads, waits, and returns the text that was found."""
        file = self.settled(self.upload(content, name)["id"])
        assert file["state"] == "ready", file
        text: str = self.get(f"/{file['id']}/text").json()["text"]
        return text

    def contents(self, *file_ids: str, caller: str = "chat", **changes: Any) -> httpx.Response:
        """Asks as chat does."""
        headers = {"authorization": f"Bearer {service_token(caller, 'files', self._secret)}"}
        body = {"owner": "user_1", "file_ids": file_ids, **changes}
        return self.http.post("/internal/contents", json=body, headers=headers)

    def merge(self, owner: str, into: str) -> httpx.Response:
        """As auth tells when a guest signs up or in."""
        return self._as_auth(MERGE_PATH, {"owner": owner, "into": into})

    def erase(self, owner: str, pseudonym: str = "gone_1") -> httpx.Response:
        """As auth tells when an account is deleted."""
        return self._as_auth(ERASE_PATH, {"owner": owner, "pseudonym": pseudonym})

    def _as_auth(self, path: str, body: dict[str, str]) -> httpx.Response:
        headers = {"authorization": f"Bearer {service_token('auth', 'files', self._auths_secret)}"}
        return self.http.post(path, json=body, headers=headers)

    def kept_of(self, text: str) -> set[str]:
        """The files of the data folder that hold the text in any of their bytes."""
        files = [path for path in self.data.rglob("*") if path.is_file()]
        return {path.name for path in files if text.encode() in path.read_bytes()}


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Polls; fails when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


Running = Callable[..., AbstractContextManager[FilesService]]


@pytest.fixture(scope="session")
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture(scope="session")
def auth_url(auth: FakeAuth) -> Iterator[str]:
    with serve(auth.app) as url:
        yield url


@pytest.fixture
def running(tmp_path: Path, auth_url: str, auth: FakeAuth) -> Running:
    """`with running() as service` serves it, again and again on the same data; keyword arguments are settings."""

    @contextmanager
    def start(**changes: Any) -> Iterator[FilesService]:
        settings = Settings(auth_url=auth_url, service_data=tmp_path / "data", storage_reserve_bytes=0, **changes)
        with serve(create_app(settings)) as url:
            yield FilesService(url, settings, auth)

    return start


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory, auth_url: str, auth: FakeAuth) -> Iterator[FilesService]:
    folder = tmp_path_factory.mktemp("shared") / "data"
    settings = Settings(auth_url=auth_url, service_data=folder, storage_reserve_bytes=0, extraction_workers=2)
    with serve(create_app(settings)) as url:
        yield FilesService(url, settings, auth)


@pytest.fixture
def service(shared_service: FilesService) -> Iterator[FilesService]:
    """One service for many tests, without any file at the start of each."""
    yield shared_service
    shared_service.clear()
