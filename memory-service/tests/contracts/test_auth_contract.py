"""What memory expects of auth: the keys with which it verifies users' tokens."""

from pathlib import Path

import httpx

from chassis.testing import serve
from dev.pacts import auth_as_expected_by
from memory_service.main import create_app
from memory_service.settings import Settings


def test_users_are_known_by_the_keys_that_auth_publishes(tmp_path: Path) -> None:
    with auth_as_expected_by("memory") as (auth_url, auth):
        with serve(create_app(Settings(auth_url=auth_url, service_data=tmp_path, storage_reserve_bytes=0))) as url:
            answer = httpx.get(f"{url}/v1/memory/search?q=anything", headers=auth.headers(), trust_env=False)

    assert answer.status_code == 200
