"""Every operation does what the published OpenAPI says."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from schemathesis import Case

from auth_service.main import create_app
from auth_service.operator_door import OperatorDoor
from auth_service.settings import Settings
from chassis.testing import serve, service_token
from dev.conformance import Door, published_schema
from dev.fake_google import CERTIFICATES_PATH, CLIENT_ID, FakeGoogle

schema = published_schema(create_app(Settings()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("auth")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serve(FakeGoogle().app) as google:
        settings = Settings(
            service_data=folder,
            max_body_bytes=1_000_000,  # that a body is too large is no answer to whether it is well formed
            argon2_memory_kib=64,
            argon2_iterations=1,
            argon2_lanes=1,
            google_client_id=CLIENT_ID,
            google_certs_url=google + CERTIFICATES_PATH,
        )
        with serve(create_app(settings)) as url:
            yield url


@pytest.fixture(scope="module")
def door_of(url: str, folder: Path) -> Callable[[str], Door]:
    """Somebody new for each operation: some end what a user has."""

    @cache
    def door(operation: str) -> Door:
        account = {"email": f"{uuid4().hex}@example.org", "password": "four quiet herons", "username": "Ada"}
        tokens = httpx.post(f"{url}/v1/auth/signup", json=account, trust_env=False).json()
        entrance = OperatorDoor.find(folder)
        assert entrance is not None
        operator = {"authorization": f"Bearer {service_token('operator', 'auth', entrance.secret)}"}
        user = {"authorization": f"Bearer {tokens['access_token']}"}
        return Door(url, user=user, services={"operator": operator})

    return door


@schema.parametrize()
def test_every_operation_does_what_it_publishes(case: Case, door_of: Callable[[str], Door]) -> None:
    if not _repeats_a_parameter(case):
        door_of(case.operation.label).check(case, beyond_schema=("email", "username", "picture", "name"))


def _repeats_a_parameter(case: Case) -> bool:
    """The last one counts, whatever the others are."""
    return any(isinstance(value, list) for value in (case.query or {}).values())
