"""What auth's neighbours expect of it holds for the real auth."""

from pathlib import Path

import pytest

from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.testing import serve
from dev.pacts import verifier


@pytest.mark.parametrize("consumer", ["chat", "memory", "files", "analytics"])
def test_auth_keeps_what_it_promised(consumer: str, tmp_path: Path) -> None:
    with serve(create_app(Settings(service_data=tmp_path))) as url:
        verifier("auth", url, consumer).verify()
