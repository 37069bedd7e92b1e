"""What the gateway asks, and what its cache may keep."""

import time

import httpx

from ..conftest import Client, Clock, MakeSettings, Start

DAY = 86_400
CACHED = "max-age=1, stale-if-error=3"


def test_a_valid_token_passes(auth: Client) -> None:
    answers = [auth.check(auth.sign_up()["access_token"]), auth.check(auth.guest()["access_token"], "optional")]

    for answer in answers:
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["x-auth-ok"] == "1"
        assert (answer.headers["cache-control"], answer.headers["vary"]) == (CACHED, "Authorization")


def test_without_a_credential_only_optional_passes_and_without_an_identity(auth: Client) -> None:
    optional, required, unsaid = (
        auth.check(None, "optional"),
        auth.check(None, "required"),
        auth.get("/internal/gateway/check"),
    )

    assert [answer.status_code for answer in (optional, required, unsaid)] == [204, 401, 401]
    for answer in (optional, required, unsaid):
        assert "x-auth-ok" not in answer.headers
        assert (answer.headers["cache-control"], answer.headers["vary"]) == (CACHED, "Authorization")


def test_a_bad_credential_is_refused_in_both_modes(auth: Client) -> None:
    answers = [auth.check("nonsense", mode) for mode in ("required", "optional")]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert (answer.headers["cache-control"], answer.headers["vary"]) == (CACHED, "Authorization")


def test_another_scheme_or_an_empty_credential_is_refused_also_where_it_is_optional(auth: Client) -> None:
    token = auth.sign_up()["access_token"]
    credentials = ["Basic YTpi", f"Token {token}", "Bearer", "", token, f"Bearer  {token}"]

    answers = [
        auth.get("/internal/gateway/check", headers={"authorization": credential, "x-auth-mode": "optional"})
        for credential in credentials
    ]

    assert [answer.status_code for answer in answers] == [401] * len(credentials)


def test_two_credentials_are_a_bad_request(auth: Client) -> None:
    token = auth.sign_up()["access_token"]
    twice = httpx.Headers([("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")])

    check = auth.get("/internal/gateway/check", headers=twice)
    me = auth.get("/v1/auth/me", headers=twice)

    assert (check.status_code, check.json()["code"]) == (400, "invalid_request")
    assert me.status_code == 401


def test_an_unknown_mode_lets_nobody_pass_without_a_credential(auth: Client) -> None:
    assert auth.check(None, "whatever").status_code == 401


def test_a_token_in_the_query_is_no_credential(auth: Client) -> None:
    token = auth.sign_up()["access_token"]

    assert auth.get("/internal/gateway/check", params={"access_token": token}).status_code == 401


def test_the_answer_for_a_token_about_to_expire_is_not_kept(
    start: Start, make_settings: MakeSettings, clock: Clock
) -> None:
    with start(make_settings(access_token_seconds=30)) as auth:
        clock.ahead = -29
        token = auth.sign_up()["access_token"]
        clock.ahead = 0

        answer = auth.check(token)

    assert (answer.status_code, answer.headers["x-auth-ok"]) == (204, "1")
    assert answer.headers["cache-control"] == "max-age=0"


def test_a_token_that_was_good_is_refused_once_it_expires(
    start: Start, make_settings: MakeSettings, clock: Clock
) -> None:
    with start(make_settings(access_token_seconds=30)) as auth:
        clock.ahead = -28.5
        token = auth.sign_up()["access_token"]
        clock.ahead = 0

        before = auth.check(token).status_code
        deadline = time.monotonic() + 5
        while auth.check(token).status_code == 204 and time.monotonic() < deadline:
            time.sleep(0.05)

        assert (before, auth.check(token).status_code) == (204, 401)


def test_a_refresh_keeps_the_session_alive_at_the_gateway_too(fresh: Client, clock: Clock) -> None:
    tokens = fresh.sign_up()
    fresh.check(tokens["access_token"])
    clock.ahead += 30 * DAY - 60
    fresh.refresh(tokens["refresh_token"])

    clock.ahead += 120

    assert fresh.check(tokens["access_token"]).status_code == 204


def test_an_expired_session_does_not_pass(fresh: Client, clock: Clock) -> None:
    tokens = fresh.sign_up()
    before = fresh.check(tokens["access_token"])

    clock.ahead += 30 * DAY + 1

    assert (before.status_code, fresh.check(tokens["access_token"]).status_code) == (204, 401)
