"""Every operation does what the published OpenAPI says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from schemathesis import Case

from chassis.testing import FakeAuth, serve, service_token
from dev.conformance import Door, published_schema
from memory_service.main import create_app
from memory_service.settings import Settings

schema = published_schema(create_app(Settings()))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, auth: FakeAuth, auth_url: str) -> Iterator[Door]:
    data: Path = tmp_path_factory.mktemp("memory")
    settings = Settings(auth_url=auth_url, service_data=data, storage_reserve_bytes=0)
    secrets = {"chat": settings.secret_chat_memory, "auth": settings.secret_auth_memory}
    services = {
        caller: {"authorization": f"Bearer {service_token(caller, 'memory', secret.get_secret_value())}"}
        for caller, secret in secrets.items()
    }
    with serve(create_app(settings)) as url:
        yield Door(url, user=auth.headers(), services=services)


@schema.parametrize()
def test_every_operation_does_what_it_publishes(case: Case, door: Door) -> None:
    door.check(case, beyond_schema=("text",))
