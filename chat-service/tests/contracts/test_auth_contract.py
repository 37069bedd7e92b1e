"""What chat expects of auth: the keys with which it verifies users' tokens."""

from pathlib import Path

import httpx

from chassis.testing import serve
from chat_service.main import create_app
from chat_service.settings import Settings
from dev.offline_llm.testing import running
from dev.pacts import auth_as_expected_by


def test_users_are_known_by_the_keys_that_auth_publishes(tmp_path: Path) -> None:
    with auth_as_expected_by("chat") as (auth_url, auth), running() as llm:
        settings = Settings(
            auth_url=auth_url, together_base_url=llm.url, service_data=tmp_path, storage_reserve_bytes=0
        )
        with serve(create_app(settings)) as url:
            answer = httpx.get(f"{url}/v1/conversations", headers=auth.headers(), trust_env=False)

    assert answer.status_code == 200
