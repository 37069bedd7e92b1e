"""Settings that must stop the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from chassis.settings import development_secret
from chat_service.settings import Settings

GOOD, OTHER = "g" * 40, "o" * 40
PAIRS = {f"secret_chat_{name}": GOOD for name in ("memory", "files", "analytics")}
PRODUCTION: dict[str, Any] = {
    "deepthinks_env": "production",
    "secret_auth_chat": GOOD,
    "together_api_key": GOOD,
    "provider_key_secret": GOOD,
    **PAIRS,
}


def test_the_present_secret_comes_first_and_none_twice() -> None:
    settings = Settings(provider_key_secret=GOOD, provider_key_secrets_previous=f" {OTHER} ,{GOOD},, ")

    assert settings.provider_key_secrets == [GOOD, OTHER]


@pytest.mark.parametrize(
    "settings",
    [
        {"provider_key_secret": "short"},
        {"provider_key_secret": development_secret("provider-keys").get_secret_value()},
        {"provider_key_secrets_previous": f"{OTHER},short"},
        {"provider_key_secrets_previous": development_secret("provider-keys").get_secret_value()},
    ],
)
def test_a_weak_secret_for_provider_keys_stops_the_start_in_production(settings: dict[str, Any]) -> None:
    assert Settings(**PRODUCTION).provider_key_secrets == [GOOD]

    with pytest.raises(ValidationError, match="PROVIDER_KEY_SECRET"):
        Settings(**{**PRODUCTION, **settings})


def test_a_secret_that_could_not_be_listed_later_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="comma"):
        Settings(provider_key_secret=f"{GOOD},{OTHER}")
