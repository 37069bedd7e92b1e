"""Every operation does what the published OpenAPI says."""

from collections.abc import Iterator

import httpx
import pytest
from schemathesis import Case

from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.testing import serve
from dev.conformance import Door, published_schema

schema = published_schema(create_app(Settings()))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    settings = Settings(
        service_data=tmp_path_factory.mktemp("auth"), argon2_memory_kib=64, argon2_iterations=1, argon2_lanes=1
    )
    with serve(create_app(settings)) as url:
        guest = httpx.post(f"{url}/v1/auth/guest", trust_env=False).json()
        yield Door(url, user={"authorization": f"Bearer {guest['access_token']}"})


@schema.parametrize()
def test_every_operation_does_what_it_publishes(case: Case, door: Door) -> None:
    door.check(case, beyond_schema=("email", "username"))
