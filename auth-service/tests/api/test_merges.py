"""A guest who signs up or in brings everything along, exactly once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest

from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import eventually

from ..conftest import PASSWORD, Client, MakeSettings, Start, fresh_email
from ..estates import NAMES, EstatesStandIn, running_estates

StartWithEstates = Callable[..., AbstractContextManager[Client]]


@pytest.fixture
def estates() -> Iterator[tuple[EstatesStandIn, dict[str, str]]]:
    with running_estates() as running:
        yield running


@pytest.fixture
def others(estates: tuple[EstatesStandIn, dict[str, str]]) -> EstatesStandIn:
    return estates[0]


@pytest.fixture
def start_auth(
    start: Start, make_settings: MakeSettings, estates: tuple[EstatesStandIn, dict[str, str]]
) -> StartWithEstates:
    @contextmanager
    def started(**changed: Any) -> Iterator[Client]:
        with start(make_settings(**{"saga_wait_seconds": 5, **estates[1], **changed})) as auth:
            yield auth

    return started


@pytest.fixture
def auth(start_auth: StartWithEstates) -> Iterator[Client]:
    with start_auth() as client:
        yield client


def sign_up(auth: Client, guest: dict[str, Any], email: str | None = None) -> httpx.Response:
    body = {"email": email or fresh_email(), "password": PASSWORD, "username": "Ada"}
    return auth.post("/v1/auth/signup", json={**body, "guest_token": guest["access_token"]})


def log_in(auth: Client, email: str, guest: dict[str, Any]) -> httpx.Response:
    body = {"email": email, "password": PASSWORD, "guest_token": guest["access_token"]}
    return auth.post("/v1/auth/login", json=body)


def test_signing_up_as_a_guest_tells_every_service_whose_the_rows_are(auth: Client, others: EstatesStandIn) -> None:
    guest = auth.guest()

    account = sign_up(auth, guest)

    assert account.status_code == 201
    told = (MERGE_PATH, {"owner": guest["user"]["id"], "into": account.json()["user"]["id"]})
    assert {name: others.of(name) for name in NAMES} == {name: [told] for name in NAMES}
    assert others.told[0][0] == "chat"


def test_logging_in_as_a_guest_brings_everything_into_the_existing_account(
    auth: Client, others: EstatesStandIn, email: str
) -> None:
    account = auth.sign_up(email)
    guest = auth.guest()

    answer = log_in(auth, email, guest)

    assert answer.status_code == 200
    assert others.of("memory") == [(MERGE_PATH, {"owner": guest["user"]["id"], "into": account["user"]["id"]})]


def test_the_guests_sessions_end(auth: Client) -> None:
    guest = auth.guest()

    sign_up(auth, guest)

    assert auth.check(guest["access_token"]).status_code == 401
    assert auth.refresh(guest["refresh_token"]).status_code == 401


def test_repeating_it_with_the_same_account_merges_nothing_twice(
    auth: Client, others: EstatesStandIn, email: str
) -> None:
    guest = auth.guest()
    sign_up(auth, guest, email)

    again = log_in(auth, email, guest)

    assert again.status_code == 200
    assert len(others.of("chat")) == 1


def test_a_guest_goes_into_one_account_only_and_the_other_sign_in_says_so(auth: Client, others: EstatesStandIn) -> None:
    guest = auth.guest()
    first = sign_up(auth, guest)

    second = sign_up(auth, guest, email := fresh_email())

    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (409, "guest_already_merged")
    assert auth.log_in(email).status_code == 401  # nothing of the refused sign-up was kept
    assert len(others.of("chat")) == 1


def test_twenty_sign_ups_at_once_with_one_guest_make_one_account(auth: Client, others: EstatesStandIn) -> None:
    guest = auth.guest()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: sign_up(auth, guest).status_code, range(20)))

    assert sorted(set(answers)) == [201, 409]
    assert answers.count(201) == 1
    assert len(others.of("analytics")) == 1


@pytest.mark.parametrize("spoilt", ["garbage", "signed out", "an account's own token", "a refresh token"])
def test_a_guest_token_that_is_none_keeps_everything_as_it_is(
    auth: Client, others: EstatesStandIn, email: str, spoilt: str
) -> None:
    guest = auth.guest()
    tokens = {
        "garbage": "garbage",
        "signed out": guest["access_token"],
        "an account's own token": auth.sign_up()["access_token"],
        "a refresh token": guest["refresh_token"],
    }
    if spoilt == "signed out":
        auth.log_out(guest["refresh_token"])

    answer = sign_up(auth, {"access_token": tokens[spoilt]}, email)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_guest_token")
    assert answer.json()["error"]["param"] == "guest_token"
    assert auth.log_in(email).status_code == 401
    assert others.told == []


def test_a_wrong_password_merges_nothing(auth: Client, others: EstatesStandIn, email: str) -> None:
    auth.sign_up(email)
    guest = auth.guest()

    answer = auth.post(
        "/v1/auth/login",
        json={"email": email, "password": "not the password", "guest_token": guest["access_token"]},
    )

    assert answer.status_code == 401
    assert others.told == []
    assert auth.check(guest["access_token"]).status_code == 204


def test_a_service_that_is_down_gets_its_part_when_it_is_back(
    start_auth: StartWithEstates, others: EstatesStandIn
) -> None:
    others.down = {"memory"}
    with start_auth(saga_wait_seconds=0.1) as auth:
        answer = sign_up(auth, auth.guest())
        assert answer.status_code == 201
        eventually(lambda: len(others.of("files")) == 1)
        assert others.of("memory") == []

        others.down = set()

        eventually(lambda: len(others.of("memory")) == 1)
        assert len(others.of("chat")) == 1


def test_nobody_is_told_before_chat_was(start_auth: StartWithEstates, others: EstatesStandIn) -> None:
    others.down = {"chat"}
    with start_auth(saga_wait_seconds=0.3) as auth:
        sign_up(auth, auth.guest())
        assert others.told == []

        others.down = set()

        eventually(lambda: len(others.told) == 4)


def test_a_restart_goes_on_with_what_was_decided(start_auth: StartWithEstates, others: EstatesStandIn) -> None:
    others.down = {"analytics"}
    with start_auth(saga_wait_seconds=0.1) as auth:
        sign_up(auth, auth.guest())

    others.down = set()
    with start_auth():
        eventually(lambda: len(others.of("analytics")) == 1)


def test_nobody_who_signs_in_waits_for_what_others_delete(
    start_auth: StartWithEstates, others: EstatesStandIn, email: str
) -> None:
    others.hanging = {ERASE_PATH}
    with start_auth(saga_wait_seconds=0.1) as auth:
        for guest in [auth.guest() for _ in range(20)]:
            auth.post("/v1/auth/deletion", json={}, headers={"authorization": f"Bearer {guest['access_token']}"})

        account = sign_up(auth, auth.guest(), email)

        assert account.status_code == 201
        eventually(lambda: {name for name, _, _ in others.told} == set(NAMES), seconds=2)
        assert {path for _, path, _ in others.told} == {MERGE_PATH}
        others.hanging = set()
        eventually(lambda: len(others.of("chat")) == 21)
