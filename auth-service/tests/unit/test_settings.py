"""Settings that must stop the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from auth_service.settings import Settings

GOOD, OTHER = "g" * 40, "o" * 40


def test_without_any_setting_it_runs_in_development() -> None:
    assert len(Settings().secrets) == 1


def test_the_present_secret_comes_first_and_none_twice() -> None:
    settings = Settings(jwt_secret_key=GOOD, jwt_previous_secret_keys=f" {OTHER} ,{GOOD},, ")

    assert settings.secrets == [GOOD, OTHER]


@pytest.mark.parametrize(
    "settings",
    [{}, {"jwt_secret_key": "short"}, {"jwt_secret_key": GOOD, "jwt_previous_secret_keys": f"{OTHER},short"}],
)
def test_a_missing_or_short_secret_stops_the_start_in_production(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(deepthinks_env="production", **settings)


def test_good_secrets_start_in_production() -> None:
    settings = Settings(deepthinks_env="production", jwt_secret_key=GOOD, jwt_previous_secret_keys=OTHER)

    assert settings.secrets == [GOOD, OTHER]


def test_a_secret_that_could_not_be_listed_later_stops_the_start() -> None:
    with pytest.raises(ValidationError):
        Settings(jwt_secret_key=f"{GOOD},{OTHER}")
