"""What has expired goes; guests who can never come back are deleted, everywhere."""

from collections.abc import Iterator

import pytest

from chassis.owners import ERASE_PATH
from chassis.testing import eventually

from ..conftest import Clock, MakeSettings, Start
from ..estates import EstatesStandIn, running_estates

MONTH = 31 * 86_400


@pytest.fixture
def estates() -> Iterator[tuple[EstatesStandIn, dict[str, str]]]:
    with running_estates() as running:
        yield running


def test_a_guest_whose_session_has_expired_is_deleted_at_every_service(
    start: Start, make_settings: MakeSettings, clock: Clock, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    with start(make_settings(**urls)) as auth:
        lapsed = auth.guest()["user"]["id"]
        account = auth.sign_up()
    clock.ahead += MONTH

    with start(make_settings(**urls)) as auth:
        fresh = auth.guest()
        eventually(lambda: len(others.told) == 4)

        assert {(path, body["owner"]) for _, path, body in others.told} == {(ERASE_PATH, lapsed)}
        assert auth.refresh(fresh["refresh_token"]).status_code == 200
        assert auth.log_in(account["user"]["email"]).status_code == 200


def test_a_guest_who_comes_back_stays(
    start: Start, make_settings: MakeSettings, clock: Clock, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    with start(make_settings(**urls)) as auth:
        guest = auth.guest()
        clock.ahead += MONTH - 3 * 86_400
        refreshed = auth.refresh(guest["refresh_token"]).json()
        clock.ahead += MONTH - 3 * 86_400

    with start(make_settings(**urls)) as auth:
        assert auth.refresh(refreshed["refresh_token"]).status_code == 200
        assert others.told == []
