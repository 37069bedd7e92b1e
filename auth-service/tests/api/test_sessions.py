"""Refreshing and signing out, over HTTP and across restarts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ..conftest import Client, Clock, MakeSettings, Start

DAY = 86_400
FIRST_SECRET, SECOND_SECRET, THIRD_SECRET = ("first " * 8, "second " * 8, "third " * 8)


def test_a_refresh_answers_new_tokens_for_the_same_user(auth: Client) -> None:
    tokens = auth.sign_up()

    answer = auth.refresh(tokens["refresh_token"])

    assert answer.status_code == 200
    fresh = answer.json()
    assert fresh["user"] == tokens["user"]
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert auth.me(fresh["access_token"]).status_code == 200


def test_fifty_refreshes_at_once_get_one_successor(auth: Client) -> None:
    token = auth.sign_up()["refresh_token"]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: auth.refresh(token), range(50)))

    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_a_spent_refresh_token_ends_the_session_after_the_grace(fresh: Client, clock: Clock) -> None:
    first = fresh.sign_up()
    second = fresh.refresh(first["refresh_token"]).json()
    clock.ahead += 12

    reused = fresh.refresh(first["refresh_token"])

    assert (reused.status_code, reused.json()["code"]) == (401, "invalid_refresh_token")
    assert fresh.refresh(second["refresh_token"]).status_code == 401
    assert [fresh.check(tokens["access_token"]).status_code for tokens in (first, second)] == [401, 401]


def test_one_session_does_not_end_with_another(auth: Client) -> None:
    one, other = auth.guest(), auth.guest()

    auth.log_out(one["refresh_token"])

    assert auth.check(other["access_token"]).status_code == 204
    assert auth.refresh(other["refresh_token"]).status_code == 200


def test_signing_out_is_felt_at_once(auth: Client) -> None:
    tokens = auth.sign_up()
    before = auth.check(tokens["access_token"])

    answer = auth.log_out(tokens["refresh_token"])

    assert (before.status_code, answer.status_code, answer.content) == (204, 204, b"")
    assert auth.check(tokens["access_token"]).status_code == 401
    assert auth.refresh(tokens["refresh_token"]).status_code == 401


def test_signing_out_twice_or_with_nonsense_is_fine(auth: Client) -> None:
    tokens = auth.sign_up()
    unknown = f"sess_{'0' * 32}.1.{'A' * 43}"

    offered = [tokens["refresh_token"], tokens["refresh_token"], unknown, "nonsense", ""]

    assert [auth.log_out(token).status_code for token in offered] == [204] * 5


def test_a_spent_refresh_token_still_signs_out(auth: Client) -> None:
    first = auth.sign_up()
    second = auth.refresh(first["refresh_token"]).json()

    auth.log_out(first["refresh_token"])

    assert auth.refresh(second["refresh_token"]).status_code == 401


def test_who_knows_only_a_session_id_cannot_end_it_or_refresh(auth: Client) -> None:
    tokens = auth.sign_up()
    session_id, _, proof = tokens["refresh_token"].split(".")
    forged = [f"{session_id}.1.{'A' * 43}", f"{session_id}.2.{proof}", f"{session_id}.1.{proof[:-1]}"]

    refused = [auth.refresh(token) for token in forged]
    for token in forged:
        auth.log_out(token)

    assert [answer.status_code for answer in refused] == [401] * 3
    assert auth.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "sess_.1.x", "sess_" + "g" * 32 + ".1." + "A" * 43])
def test_what_is_no_refresh_token_is_refused(auth: Client, token: str) -> None:
    answer = auth.refresh(token)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


def test_an_access_token_does_not_refresh(auth: Client) -> None:
    answer = auth.refresh(auth.sign_up()["access_token"])

    assert answer.status_code in (401, 422)


def test_a_session_ends_when_it_was_not_refreshed_for_too_long(fresh: Client, clock: Clock) -> None:
    token = fresh.sign_up()["refresh_token"]
    for _ in range(3):
        clock.ahead += 30 * DAY - 60
        token = fresh.refresh(token).json()["refresh_token"]

    clock.ahead += 30 * DAY + 1

    assert fresh.refresh(token).status_code == 401


def test_sessions_survive_a_restart_and_so_does_their_end(start: Start, make_settings: MakeSettings) -> None:
    with start(make_settings()) as auth:
        kept, ended = auth.sign_up(), auth.sign_up()
        auth.log_out(ended["refresh_token"])

    with start(make_settings()) as auth:
        checks = [auth.check(tokens["access_token"]).status_code for tokens in (kept, ended)]
        refreshes = [auth.refresh(tokens["refresh_token"]).status_code for tokens in (kept, ended)]

    assert checks == [204, 401]
    assert refreshes == [200, 401]


def test_living_sessions_move_on_to_a_new_secret(start: Start, make_settings: MakeSettings) -> None:
    with start(make_settings(jwt_secret_key=FIRST_SECRET)) as auth:
        tokens, unused = auth.sign_up(), auth.sign_up()

    with start(make_settings(jwt_secret_key=SECOND_SECRET, jwt_previous_secret_keys=FIRST_SECRET)) as auth:
        check = auth.check(tokens["access_token"])
        moved = auth.refresh(tokens["refresh_token"])

    with start(make_settings(jwt_secret_key=THIRD_SECRET, jwt_previous_secret_keys=SECOND_SECRET)) as auth:
        statuses = [
            auth.refresh(moved.json()["refresh_token"]).status_code,
            auth.refresh(unused["refresh_token"]).status_code,
            auth.check(unused["access_token"]).status_code,
        ]

    assert (check.status_code, moved.status_code) == (204, 200)
    assert statuses == [200, 401, 401]
