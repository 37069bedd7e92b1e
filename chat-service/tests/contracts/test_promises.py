"""What chat's neighbours expect of it holds for the real chat."""

from pathlib import Path

import httpx

from chassis.testing import FakeAuth, serve
from chat_service.main import create_app
from chat_service.settings import Settings
from dev.offline_llm.testing import running
from dev.pacts import verify_for_auth

NOBODY = "http://127.0.0.1:9"


def test_auth_finds_what_it_expects(tmp_path: Path) -> None:
    auth = FakeAuth()

    def talk(url: str, owner: str) -> None:
        turn = {"model": "deepthinks", "input": "My dog is called Bruno."}
        httpx.post(f"{url}/v1/responses", json=turn, headers=auth.headers(owner), trust_env=False).raise_for_status()

    with serve(auth.app) as auth_url, running() as llm:
        settings = Settings(
            service_data=tmp_path,
            storage_reserve_bytes=0,
            auth_url=auth_url,
            memory_url=NOBODY,
            memory_seconds=0.01,
            analytics_url=NOBODY,
            together_base_url=llm.url,
        )
        verify_for_auth("chat", create_app(settings), settings.secret_auth_chat, talk)
