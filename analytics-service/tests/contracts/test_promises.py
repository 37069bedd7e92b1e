"""What analytics' neighbours expect of it holds for the real analytics."""

from pathlib import Path

from analytics_service.main import create_app
from analytics_service.settings import Settings
from chassis.testing import FakeAuth, serve, service_token
from dev.pacts import WithRealTokens, verifier, verify_for_auth

from ..conftest import Analytics, usage_event


def test_chat_finds_what_it_expects(tmp_path: Path) -> None:
    settings = Settings(service_data=tmp_path, storage_reserve_bytes=0)
    token = service_token("chat", "analytics", settings.secret_chat_analytics.get_secret_value())

    with serve(WithRealTokens(create_app(settings), service=token)) as url:
        verifier("analytics", url, "chat").verify()


def test_auth_finds_what_it_expects(tmp_path: Path) -> None:
    settings = Settings(service_data=tmp_path, storage_reserve_bytes=0)

    def report(url: str, owner: str) -> None:
        assert Analytics(url, settings, FakeAuth()).outcomes(usage_event(owner=owner)) == [("applied", None)]

    verify_for_auth("analytics", create_app(settings), settings.secret_auth_analytics, report)
