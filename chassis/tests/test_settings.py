"""Settings: defaults that work in development and stop the start in production."""

import json
import logging
from io import StringIO

import pytest
import structlog
from pydantic import SecretStr, ValidationError

from chassis.ids import new_id
from chassis.logs import configure_logs
from chassis.server import run
from chassis.settings import ServiceSettings, development_secret
from chassis.tokens import estimate_tokens


class Settings(ServiceSettings):
    secret_pair: SecretStr = development_secret("pair")


def test_development_starts_with_defaults() -> None:
    assert Settings().secret_pair.get_secret_value()


@pytest.mark.parametrize("secret", [None, "", "short", "development-only-pair-" + "0" * 40])
def test_production_refuses_missing_short_and_default_secrets(
    monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    monkeypatch.setenv("DEEPTHINKS_ENV", "production")
    if secret is not None:
        monkeypatch.setenv("SECRET_PAIR", secret)

    with pytest.raises(ValidationError, match="SECRET_PAIR must be set"):
        Settings()


def test_production_starts_with_a_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPTHINKS_ENV", "production")
    monkeypatch.setenv("SECRET_PAIR", "k" * 32)

    assert Settings().deepthinks_env == "production"


def test_a_wrong_setting_ends_the_start_with_a_readable_line_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PORT", "hunter2")

    with pytest.raises(SystemExit) as ended:
        run("example", Settings, lambda _: None)  # type: ignore[arg-type,return-value]

    assert "SERVICE_PORT: " in str(ended.value)
    assert "hunter2" not in str(ended.value)


def test_logs_keep_allowed_fields_only_and_no_exception_texts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("example", "info", "json")
    try:
        raise ValueError("what the user wrote")
    except ValueError as error:
        structlog.get_logger().error("failed", prompt="what the user wrote", status=500, exc_info=error)
    logging.getLogger("other").warning("from a library")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["error"] == "ValueError"
    assert lines[0]["status"] == 500
    assert "what the user wrote" not in json.dumps(lines)
    assert lines[1]["event"] == "from a library"


def test_logs_for_people_name_the_exception_and_its_frames_and_not_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("example", "info", "text")
    try:
        raise ValueError("what the user wrote")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)

    printed = capsys.readouterr()
    assert "ValueError" in printed.out
    assert "test_settings.py" in printed.out
    assert "what the user wrote" not in printed.out + printed.err
    assert printed.err == ""


def test_ids_sort_in_the_order_they_were_made() -> None:
    ids = [new_id("conv") for _ in range(10_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 10_000


def test_token_estimates_follow_the_bytes() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("four") == 1
    assert estimate_tokens("five5") == 2
    assert estimate_tokens("记忆") == 2


def test_a_log_that_cannot_be_written_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = StringIO()
    monkeypatch.setattr("sys.stdout", closed)
    configure_logs("example", "info", "json")
    closed.close()

    structlog.get_logger().info("request", status=200)
