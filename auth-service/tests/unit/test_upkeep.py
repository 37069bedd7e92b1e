"""What has expired goes; guests who can never come back are deleted, everywhere."""

from collections.abc import Iterator

import apsw
import pytest

from auth_service.operator_door import OperatorDoor
from chassis.owners import ERASE_PATH
from chassis.testing import eventually, service_token

from ..conftest import PASSWORD, Clock, MakeSettings, Start
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


def test_a_guest_whom_an_operator_disabled_is_kept(
    start: Start, make_settings: MakeSettings, clock: Clock, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    with start(make_settings(**urls)) as auth:
        disabled, ended = auth.guest(), auth.guest()
        door = OperatorDoor.find(make_settings().service_data)
        assert door is not None
        headers = {"authorization": f"Bearer {service_token('operator', 'auth', door.secret)}"}
        named = {"account": disabled["user"]["id"]}
        auth.post("/internal/operators/disable", json=named, headers=headers).raise_for_status()
        auth.log_out(ended["refresh_token"])

    with start(make_settings(**urls)):
        assert eventually(lambda: len(others.told) == 4)

        assert {body["owner"] for _, _, body in others.told} == {ended["user"]["id"]}


def test_a_sign_in_with_an_old_guest_can_be_repeated_like_any_other(
    start: Start, make_settings: MakeSettings, clock: Clock, email: str
) -> None:
    with start(make_settings()) as auth:
        guest = auth.guest()
    with apsw.Connection(str(make_settings().service_data / "data.sqlite3")) as kept:
        kept.execute("update users set created_at = created_at - ?", (MONTH,))
    with start(make_settings()) as auth:
        auth.sign_up(email)
        body = {"email": email, "password": PASSWORD, "guest_token": guest["access_token"]}
        first = auth.post("/v1/auth/login", json=body)

    with start(make_settings()) as auth:
        auth.guest()  # a write behind the first sweep
        again = auth.post("/v1/auth/login", json=body)

    assert [first.status_code, again.status_code] == [200, 200]


def test_the_receipt_of_a_deletion_is_shown_for_ninety_days_after_its_end(
    start: Start, make_settings: MakeSettings, clock: Clock, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    receipts = []
    with start(make_settings(saga_wait_seconds=2, **urls)) as auth:
        for down in (set(), {"files"}):
            others.down = down
            headers = {"authorization": f"Bearer {auth.guest()['access_token']}"}
            receipts.append(auth.post("/v1/auth/deletion", json={}, headers=headers).json())
    clock.ahead += 2 * MONTH

    with start(make_settings(**urls)) as auth:
        auth.guest()  # a write behind the first sweep
        shown = [auth.get(f"/v1/auth/deletions/{receipt['token']}").status_code for receipt in receipts]
    clock.ahead += MONTH
    with start(make_settings(**urls)) as auth:
        auth.guest()
        dropped, unfinished = [auth.get(f"/v1/auth/deletions/{receipt['token']}") for receipt in receipts]

    assert [receipt["status"] for receipt in receipts] == ["completed", "in_progress"]
    assert shown == [200, 200]
    assert (dropped.status_code, unfinished.status_code) == (404, 200)
    assert unfinished.json()["erased"]["files"] is None


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
