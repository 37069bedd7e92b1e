"""Where one is signed in: listed, and ended from elsewhere."""

from typing import Any

import httpx
import jwt
import pytest

from ..conftest import Client, Clock, MakeSettings, Start

DAY = 86_400


def test_the_list_names_device_network_and_times(auth: Client, email: str) -> None:
    auth.sign_up(email)
    body = {"email": email, "password": "four quiet herons"}
    headers = {"user-agent": "Lynx/2.9", "x-real-ip": "2001:db8:1:2:3::4"}
    token = auth.post("/v1/auth/login", json=body, headers=headers).json()["access_token"]

    newest, oldest = _sessions(auth, token)

    assert set(newest) == {
        "id", "object", "device", "address", "created_at", "last_used_at", "expires_at", "current",
    }  # fmt: skip
    assert (newest["id"], newest["object"], newest["current"]) == (_session_of(token), "session", True)
    assert (newest["device"], newest["address"]) == ("Lynx/2.9", "2001:db8:1:2::/64")
    assert newest["expires_at"] - newest["created_at"] == 30 * DAY
    assert (oldest["current"], oldest["address"]) == (False, "127.0.0.1")


def test_a_guest_has_sessions_too(auth: Client) -> None:
    token = auth.guest()["access_token"]

    assert [session["current"] for session in _sessions(auth, token)] == [True]


def test_the_list_is_walked_in_either_direction(auth: Client, email: str) -> None:
    signed_in = [auth.sign_up(email), *(auth.log_in(email).json() for _ in range(4))]
    ids = [_session_of(tokens["access_token"]) for tokens in signed_in]
    token = signed_in[0]["access_token"]

    first = _ask(auth, "GET", token, params={"limit": 2}).json()
    second = _ask(auth, "GET", token, params={"limit": 2, "after": first["last_id"]}).json()
    oldest = _ask(auth, "GET", token, params={"order": "asc"}).json()

    assert (first["object"], first["has_more"], first["first_id"], first["last_id"]) == ("list", True, ids[4], ids[3])
    assert [session["id"] for session in second["data"]] == [ids[2], ids[1]]
    assert ([session["id"] for session in oldest["data"]], oldest["has_more"]) == (ids, False)


def test_a_revoked_session_is_over_at_once(auth: Client, email: str) -> None:
    here, there = auth.sign_up(email), auth.log_in(email).json()
    before = auth.check(there["access_token"]).status_code

    answer = _ask(auth, "DELETE", here["access_token"], _session_of(there["access_token"]))

    assert (before, answer.status_code, answer.content) == (204, 204, b"")
    assert auth.check(there["access_token"]).status_code == 401
    assert auth.refresh(there["refresh_token"]).status_code == 401
    assert auth.check(here["access_token"]).status_code == 204
    assert [session["current"] for session in _sessions(auth, here["access_token"])] == [True]


def test_a_session_can_be_revoked_once(auth: Client, email: str) -> None:
    here, there = auth.sign_up(email)["access_token"], auth.log_in(email).json()["access_token"]

    answers = [_ask(auth, "DELETE", here, _session_of(there)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]


def test_the_token_of_an_ended_session_can_do_nothing_here_either(auth: Client) -> None:
    tokens = auth.sign_up()
    token = tokens["access_token"]
    _ask(auth, "DELETE", token, _session_of(token))
    headers = {"authorization": f"Bearer {token}"}

    answers = [
        auth.me(token),
        _ask(auth, "GET", token),
        _ask(auth, "DELETE", token),
        auth.get("/v1/auth/keys", headers=headers),
        auth.post("/v1/auth/keys", headers=headers, json={"name": "x", "scopes": ["chat:read"]}),
        auth.post("/v1/auth/deletion", headers=headers, json={"password": "four quiet herons"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "invalid_token")] * 6


@pytest.mark.parametrize(("keep_current", "left"), [("true", 204), ("false", 401), (None, 401)])
def test_all_sessions_end_or_all_others(auth: Client, email: str, keep_current: str | None, left: int) -> None:
    here, there = auth.sign_up(email), auth.log_in(email).json()
    stranger = auth.sign_up()
    params = {} if keep_current is None else {"keep_current": keep_current}

    answer = _ask(auth, "DELETE", here["access_token"], params=params)

    assert (answer.status_code, answer.content) == (204, b"")
    checks = [auth.check(tokens["access_token"]).status_code for tokens in (here, there, stranger)]
    assert checks == [left, 401, 204]


def test_an_unclear_word_about_the_current_session_ends_none(auth: Client) -> None:
    token = auth.sign_up()["access_token"]

    answer = _ask(auth, "DELETE", token, params={"keep_current": "perhaps"})

    assert (answer.status_code, auth.check(token).status_code) == (422, 204)


def test_the_sessions_of_others_are_as_good_as_missing(auth: Client) -> None:
    mine, theirs = auth.sign_up()["access_token"], auth.sign_up()["access_token"]
    ended = auth.sign_up()
    auth.log_out(ended["refresh_token"])

    asked = [_session_of(theirs), _session_of(ended["access_token"]), "sess_" + "0" * 32, "x", _session_of(mine)[:-1]]
    answers = [_ask(auth, "DELETE", mine, session_id) for session_id in asked]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "session_not_found")] * 5
    assert _ask(auth, "GET", mine, params={"after": _session_of(theirs), "order": "asc"}).json()["data"] == []
    assert auth.check(theirs).status_code == 204


def test_ended_and_expired_sessions_are_not_listed(fresh: Client, clock: Clock, email: str) -> None:
    clock.ahead = -31 * DAY
    fresh.sign_up(email)
    clock.ahead = 0
    ended = fresh.log_in(email).json()
    fresh.log_out(ended["refresh_token"])

    here = fresh.log_in(email).json()

    assert [session["current"] for session in _sessions(fresh, here["access_token"])] == [True]


def test_requests_count_as_use_and_are_remembered(start: Start, make_settings: MakeSettings, clock: Clock) -> None:
    with start(make_settings()) as auth:
        token = auth.sign_up()["access_token"]
        clock.ahead += 1000
        auth.check(token)

    with start(make_settings()) as auth:
        (session,) = _sessions(auth, token)

    assert 1000 <= session["last_used_at"] - session["created_at"] <= 1005


def _ask(auth: Client, method: str, token: str, session_id: str = "", **request: Any) -> httpx.Response:
    path = f"/v1/auth/sessions/{session_id}" if session_id else "/v1/auth/sessions"
    return auth.request(method, path, headers={"authorization": f"Bearer {token}"}, **request)


def _sessions(auth: Client, token: str) -> list[dict[str, Any]]:
    answer = _ask(auth, "GET", token)
    assert answer.status_code == 200, answer.text
    sessions: list[dict[str, Any]] = answer.json()["data"]
    return sessions


def _session_of(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sid"])
