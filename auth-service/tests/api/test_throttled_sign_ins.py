"""Guessing passwords and making accounts in bulk: what is refused, and who is not kept out by it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ..conftest import PASSWORD, Client, Clock, MakeSettings, Start, fresh_email

HERE, ELSEWHERE, THIRD = "203.0.113.1", "198.51.100.2", "192.0.2.3"


def log_in(auth: Client, email: str, password: str, address: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return auth.post("/v1/auth/login", json=body, headers={"x-real-ip": address})


def sign_up(auth: Client, email: str, address: str) -> httpx.Response:
    body = {"email": email, "password": PASSWORD, "username": "Ada"}
    return auth.post("/v1/auth/signup", json=body, headers={"x-real-ip": address})


def is_throttled(answer: httpx.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == "too_many_attempts"
    assert int(answer.headers["retry-after"]) > 0
    return True


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"failed_log_ins_per_account": 3, "failed_log_ins_per_address": 6}


@pytest.mark.parametrize("known", [True, False], ids=["an account", "no account"])
def test_guesses_at_one_account_are_throttled_alike_whether_it_exists_or_not(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any], email: str, known: bool
) -> None:
    with start(make_settings(**limits)) as auth:
        if known:
            sign_up(auth, email, HERE)

        answers = [log_in(auth, email, f"guess number {n}", ELSEWHERE) for n in range(5)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert is_throttled(answers[3])


def test_a_throttled_account_lets_nobody_in_from_elsewhere_even_with_the_password(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any], email: str
) -> None:
    with start(make_settings(**limits)) as auth:
        sign_up(auth, email, HERE)
        for n in range(3):
            log_in(auth, email, f"guess number {n}", ELSEWHERE)

        assert is_throttled(log_in(auth, email, PASSWORD, THIRD))


def test_nobody_is_locked_out_by_a_stranger_where_they_signed_in_before(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any], email: str
) -> None:
    with start(make_settings(**limits)) as auth:
        sign_up(auth, email, HERE)
        for n in range(10):
            log_in(auth, email, f"guess number {n}", ELSEWHERE)

        assert log_in(auth, email, PASSWORD, HERE).status_code == 200


def test_spraying_one_guess_over_many_accounts_is_throttled_by_address(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any]
) -> None:
    with start(make_settings(**limits)) as auth:
        answers = [log_in(auth, fresh_email(), "password one", ELSEWHERE) for _ in range(8)]

        assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2
        assert log_in(auth, fresh_email(), "password one", THIRD).status_code == 401


def test_an_ipv6_household_that_changes_its_address_stays_throttled(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any]
) -> None:
    with start(make_settings(**limits)) as auth:
        answers = [log_in(auth, fresh_email(), "password one", f"2001:db8::{n:x}:1") for n in range(1, 9)]

    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2


def test_only_failures_count(start: Start, make_settings: MakeSettings, limits: dict[str, Any], email: str) -> None:
    with start(make_settings(**limits)) as auth:
        sign_up(auth, email, HERE)

        assert {log_in(auth, email, PASSWORD, ELSEWHERE).status_code for _ in range(20)} == {200}


def test_finding_no_room_to_hash_a_password_is_no_failure(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any], email: str
) -> None:
    slow = {"argon2_memory_kib": 65_536, "argon2_iterations": 4, "argon2_at_once": 1, "argon2_waiting": 0}
    with start(make_settings(**limits, **slow)) as auth:
        sign_up(auth, email, HERE)

        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: log_in(auth, email, PASSWORD, ELSEWHERE).status_code, range(5)))
        afterwards = log_in(auth, email, PASSWORD, ELSEWHERE).status_code

    assert set(answers) == {200, 503}
    assert afterwards == 200


def test_what_a_client_says_about_forwarding_is_not_read(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any]
) -> None:
    with start(make_settings(**limits)) as auth:
        answers = []
        for n in range(8):
            headers = {"x-real-ip": HERE, "x-forwarded-for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"}
            body = {"email": fresh_email(), "password": "password one"}
            answers.append(auth.post("/v1/auth/login", json=body, headers=headers).status_code)

    assert answers == [401] * 6 + [429] * 2


def test_time_gives_attempts_back(
    start: Start, make_settings: MakeSettings, limits: dict[str, Any], clock: Clock, email: str
) -> None:
    with start(make_settings(**limits)) as auth:
        for n in range(3):
            log_in(auth, email, f"guess number {n}", ELSEWHERE)
        refused = log_in(auth, email, "guess number 3", ELSEWHERE)

        clock.ahead += int(refused.headers["retry-after"])

        assert log_in(auth, email, "guess number 3", ELSEWHERE).status_code == 401


def test_new_accounts_and_guests_are_limited_per_address(start: Start, make_settings: MakeSettings) -> None:
    with start(make_settings(sign_ups_per_address_per_hour=2, guests_per_address_per_hour=2)) as auth:
        accounts = [sign_up(auth, fresh_email(), HERE) for _ in range(3)]
        guests = [auth.post("/v1/auth/guest", headers={"x-real-ip": HERE}) for _ in range(3)]
        from_elsewhere = sign_up(auth, fresh_email(), ELSEWHERE)

    assert [answer.status_code for answer in accounts] == [201, 201, 429]
    assert is_throttled(accounts[2])
    assert [answer.status_code for answer in guests] == [201, 201, 429]
    assert is_throttled(guests[2])
    assert from_elsewhere.status_code == 201


def test_closed_doors_say_so(start: Start, make_settings: MakeSettings, email: str) -> None:
    with start(make_settings(signup="closed", guests="off")) as auth:
        account = sign_up(auth, email, HERE)
        guest = auth.post("/v1/auth/guest")

    assert (account.status_code, account.json()["code"]) == (403, "sign_up_closed")
    assert (guest.status_code, guest.json()["code"]) == (403, "guests_off")
