"""Settings that must stop the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from auth_service.settings import Settings
from chassis.settings import development_secret

GOOD, OTHER = "g" * 40, "o" * 40
DEFAULT = development_secret("jwt").get_secret_value()
PAIRS = {f"secret_auth_{name}": GOOD for name in ("chat", "memory", "files", "analytics")}


def test_without_any_setting_it_runs_in_development() -> None:
    assert len(Settings().secrets) == 1


def test_the_present_secret_comes_first_and_none_twice() -> None:
    settings = Settings(jwt_secret_key=GOOD, jwt_previous_secret_keys=f" {OTHER} ,{GOOD},, ")

    assert settings.secrets == [GOOD, OTHER]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"jwt_secret_key": "short"},
        {"jwt_secret_key": GOOD, "jwt_previous_secret_keys": f"{OTHER},short"},
        {"jwt_secret_key": GOOD, "jwt_previous_secret_keys": f"{OTHER},{DEFAULT}"},
    ],
)
def test_a_missing_short_or_default_secret_stops_the_start_in_production(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(deepthinks_env="production", **PAIRS, **settings)


def test_good_secrets_start_in_production() -> None:
    settings = Settings(
        deepthinks_env="production", jwt_secret_key=GOOD, jwt_previous_secret_keys=OTHER, smtp_password="short", **PAIRS
    )

    assert settings.secrets == [GOOD, OTHER]


def test_a_secret_that_could_not_be_listed_later_stops_the_start() -> None:
    with pytest.raises(ValidationError):
        Settings(jwt_secret_key=f"{GOOD},{OTHER}")


def test_verification_needs_a_way_to_send_mail_in_production() -> None:
    settings: dict[str, Any] = {"deepthinks_env": "production", "jwt_secret_key": GOOD, **PAIRS}
    Settings(email_verification="required", smtp_host="mail.example.org", **settings)

    with pytest.raises(ValidationError, match="SMTP_HOST"):
        Settings(email_verification="required", **settings)


@pytest.mark.parametrize(
    ("settings", "verifies"),
    [
        ({}, False),
        ({"smtp_host": "mail.example.org"}, True),
        ({"smtp_host": "mail.example.org", "email_verification": "off"}, False),
        ({"email_verification": "required"}, True),
    ],
)
def test_accounts_begin_with_a_mail_where_there_is_a_mail_server(settings: dict[str, Any], verifies: bool) -> None:
    assert Settings(**settings).verifies_email is verifies


def test_googles_keys_come_by_https_in_production() -> None:
    with pytest.raises(ValidationError, match="GOOGLE_CERTS_URL"):
        Settings(deepthinks_env="production", jwt_secret_key=GOOD, google_certs_url="http://keys.example.org", **PAIRS)


def test_several_apps_may_sign_in_with_google() -> None:
    assert Settings(google_client_id=" web, ,android ,").google_client_ids == ["web", "android"]
    assert Settings().google_client_ids == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"mail_from": "no address"}, "MAIL_FROM"),
        ({"mail_from": "Chat <chat@example.org>\nbcc: eve@example.org"}, "MAIL_FROM"),
        ({"app_name": "Chat\nbcc: eve@example.org"}, "APP_NAME"),
        ({"app_url": "chat.example.org"}, "APP_URL"),
        ({"app_url": "javascript:alert(1)"}, "APP_URL"),
        ({"app_url": "https://chat.example.org/?next="}, "APP_URL"),
    ],
)
def test_what_would_spoil_every_mail_stops_the_start(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings(**settings)


def test_a_sender_has_a_name_and_an_address() -> None:
    sender = Settings(mail_from='"Chat, ours" <chat@example.org>').mail_sender

    assert (sender.display_name, sender.addr_spec) == ("Chat, ours", "chat@example.org")
