"""The refresh token as a cookie: who gets it, who may use it, and what a page of somebody else cannot do with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ..conftest import PASSWORD, Client, Clock, MakeSettings, Start, fresh_email

NAME = "__Host-refresh_token"
ORIGIN = "https://chat.example.org"
PROOF = {"origin": ORIGIN, "x-allowed-origin": ORIGIN, "x-requested-with": "fetch"}
MONTH = 30 * 86_400


@pytest.mark.parametrize("path", ["signup", "login", "guest"])
def test_signing_in_with_a_cookie_keeps_the_refresh_token_out_of_the_answer(auth: Client, path: str) -> None:
    email = fresh_email()
    auth.sign_up(email)
    body: dict[str, Any] = {
        "signup": {"email": fresh_email(), "password": PASSWORD, "username": "Ada"},
        "login": {"email": email, "password": PASSWORD},
        "guest": {},
    }[path]

    answer = auth.post(f"/v1/auth/{path}", json={**body, "transport": "cookie"})

    token = _token(answer)
    assert answer.json()["refresh_token"] is None
    assert answer.headers["set-cookie"] == (
        f"{NAME}={token}; Path=/; Max-Age={MONTH}; Secure; HttpOnly; SameSite=Strict"
    )
    assert auth.check(answer.json()["access_token"]).status_code == 204


def test_signing_in_without_a_word_about_it_sets_no_cookie(auth: Client) -> None:
    answers = [auth.post("/v1/auth/guest"), auth.post("/v1/auth/guest", json={"transport": "json"})]

    assert ["set-cookie" in answer.headers for answer in answers] == [False, False]
    assert all(answer.json()["refresh_token"] for answer in answers)


@pytest.mark.parametrize("same_site", ["strict", "lax"])
def test_the_cookie_goes_where_the_setting_says_and_lasts_as_long_as_the_session(
    start: Start, make_settings: MakeSettings, same_site: str
) -> None:
    with start(make_settings(refresh_cookie_same_site=same_site, session_seconds=3600)) as auth:
        answer = _guest(auth)

    assert answer.headers["set-cookie"].endswith(f"Max-Age=3600; Secure; HttpOnly; SameSite={same_site.title()}")


def test_a_cookie_for_another_sites_front_end_is_partitioned_and_takes_the_place_of_an_earlier_one(
    start: Start, make_settings: MakeSettings
) -> None:
    with start(make_settings(refresh_cookie_same_site="none")) as auth:
        answer = _guest(auth)
        out = auth.post("/v1/auth/logout", headers={**PROOF, "cookie": f"{NAME}={_token(answer)}"})

    earlier, ours = answer.headers.get_list("set-cookie")
    assert earlier == f"{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"
    assert ours.endswith(f"; Path=/; Max-Age={MONTH}; Secure; HttpOnly; SameSite=None; Partitioned")
    assert out.headers["set-cookie"].endswith("Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned")


@pytest.mark.parametrize("body", [{"json": {}}, {"content": b""}, {"json": {"refresh_token": None}}])
def test_a_refresh_takes_the_cookie_and_answers_the_next_one(auth: Client, body: dict[str, Any]) -> None:
    token = _token(_guest(auth))

    answer = _refresh(auth, token, **body)

    assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
    assert _token(answer) != token
    assert _refresh(auth, _token(answer)).status_code == 200


def test_fifty_refreshes_at_once_get_one_cookie(auth: Client) -> None:
    token = _token(_guest(auth))

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: _refresh(auth, token), range(50)))

    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({_token(answer) for answer in answers}) == 1


def test_signing_out_takes_the_cookie_and_expires_it(auth: Client) -> None:
    signed_in = _guest(auth)

    answer = auth.post("/v1/auth/logout", headers={**PROOF, "cookie": f"{NAME}={_token(signed_in)}"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["set-cookie"] == f"{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
    assert auth.check(signed_in.json()["access_token"]).status_code == 401
    assert _refresh(auth, _token(signed_in)).status_code == 401


def test_a_refused_refresh_expires_the_cookie(fresh: Client, clock: Clock) -> None:
    token = _token(_guest(fresh))
    clock.ahead += MONTH + 1

    answer = _refresh(fresh, token)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert answer.headers["set-cookie"].startswith(f"{NAME}=; Path=/; Max-Age=0;")


def test_a_refresh_without_any_token_says_that_there_was_none(auth: Client) -> None:
    answers = [auth.post("/v1/auth/refresh", headers=PROOF), auth.post("/v1/auth/refresh", json={})]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
        assert "nor as a cookie" in answer.json()["detail"]


def test_a_token_in_the_body_wins_and_leaves_the_cookie_alone(auth: Client) -> None:
    in_body, in_cookie = auth.guest()["refresh_token"], _token(_guest(auth))
    headers = {**PROOF, "cookie": f"{NAME}={in_cookie}"}

    refreshed = auth.post("/v1/auth/refresh", json={"refresh_token": in_body}, headers=headers)
    refused = auth.post("/v1/auth/refresh", json={"refresh_token": ""}, headers=headers)
    signed_out = auth.post("/v1/auth/logout", json={"refresh_token": in_body}, headers=headers)

    assert [answer.status_code for answer in (refreshed, refused, signed_out)] == [200, 401, 204]
    assert refreshed.json()["refresh_token"] is not None
    assert all("set-cookie" not in answer.headers for answer in (refreshed, refused, signed_out))
    assert _refresh(auth, in_cookie).status_code == 200


def test_without_a_token_anywhere_nothing_is_refreshed_and_nothing_expired(auth: Client) -> None:
    answers = [auth.post("/v1/auth/refresh"), auth.post("/v1/auth/logout")]

    assert [answer.status_code for answer in answers] == [401, 204]
    assert all("set-cookie" not in answer.headers for answer in answers)


@pytest.mark.parametrize("path", ["refresh", "logout"])
@pytest.mark.parametrize(
    "changed",
    [
        {"x-allowed-origin": None},
        {"x-allowed-origin": ""},
        {"x-allowed-origin": "https://other.example.org"},
        {"origin": None},
        {"origin": None, "x-allowed-origin": None},
        {"origin": "", "x-allowed-origin": ""},
        {"origin": "null"},
        {"origin": "https://chat.example.org.evil.example"},
        {"x-requested-with": None},
        {"x-requested-with": ""},
    ],
    ids=repr,
)
def test_a_page_of_another_site_cannot_use_the_cookie(auth: Client, path: str, changed: dict[str, str | None]) -> None:
    token = _token(_guest(auth))
    proof = {name: value for name, value in {**PROOF, **changed}.items() if value is not None}

    answer = auth.post(f"/v1/auth/{path}", headers={**proof, "cookie": f"{NAME}={token}"})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")
    assert "set-cookie" not in answer.headers
    assert _refresh(auth, token).headers["set-cookie"].startswith(f"{NAME}={token.partition('.')[0]}.2.")


def test_two_allowed_origins_are_none(auth: Client) -> None:
    token = _token(_guest(auth))
    headers = httpx.Headers([*PROOF.items(), *PROOF.items(), ("cookie", f"{NAME}={token}")])

    assert auth.post("/v1/auth/refresh", headers=headers).status_code == 403


def test_a_page_of_another_site_that_is_allowed_can_use_it(auth: Client) -> None:
    token = _token(_guest(auth))

    answer = auth.post(
        "/v1/auth/refresh", headers={**PROOF, "sec-fetch-site": "cross-site", "cookie": f"{NAME}={token}"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["refresh", "logout"])
@pytest.mark.parametrize("together", [True, False])
def test_two_cookies_of_that_name_are_refused(auth: Client, path: str, together: bool) -> None:
    mine, theirs = _token(_guest(auth)), _token(_guest(auth))
    cookies = [f"{NAME}={theirs}", f"{NAME}={mine}"]
    headers = [*PROOF.items(), *(("cookie", sent) for sent in (["; ".join(cookies)] if together else cookies))]

    answer = auth.post(f"/v1/auth/{path}", headers=httpx.Headers(headers))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.headers["set-cookie"].startswith(f"{NAME}=; Path=/; Max-Age=0;")
    assert [_refresh(auth, token).status_code for token in (mine, theirs)] == [200, 200]


@pytest.mark.parametrize("spell", ['"{}"', "{}=", "%73{}", "{}%2e", "{}\\", "\xe9{}", "", "x" * 4000, "{} {}"])
def test_an_odd_cookie_is_refused_like_any_token_that_is_none(auth: Client, spell: str) -> None:
    token = _token(_guest(auth))

    answer = _refresh(auth, spell.format(token, token))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert _refresh(auth, token).status_code == 200


@pytest.mark.parametrize("name", ["refresh_token", NAME.lower(), f"x{NAME}", NAME + " ", "__Secure-refresh_token"])
def test_a_cookie_of_another_name_is_not_read(auth: Client, name: str) -> None:
    token = _token(_guest(auth))

    answer = auth.post("/v1/auth/refresh", headers={**PROOF, "cookie": f"{name}={token}"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_it_is_found_among_other_cookies(auth: Client) -> None:
    token = _token(_guest(auth))

    answer = auth.post("/v1/auth/refresh", headers={**PROOF, "cookie": f"a=1;  {NAME}={token};b; =c; theme=dark"})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["signup", "login", "guest", "refresh", "logout"])
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json", None],
)
def test_what_a_form_of_another_site_can_send_is_not_read(
    auth: Client, email: str, path: str, content_type: str | None
) -> None:
    token = auth.sign_up(email)["refresh_token"]
    body = {
        "signup": f'{{"email": "{fresh_email()}", "password": "{PASSWORD}", "username": "Ada", "transport": "cookie"}}',
        "login": f'{{"email": "{email}", "password": "{PASSWORD}", "transport": "cookie"}}',
        "guest": '{"transport": "cookie"}',
    }.get(path, f'{{"refresh_token": "{token}"}}')
    headers = {} if content_type is None else {"content-type": content_type}

    answer = auth.post(f"/v1/auth/{path}", content=body.encode(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "set-cookie" not in answer.headers
    assert auth.refresh(token).status_code == 200


def _guest(auth: Client) -> httpx.Response:
    return auth.post("/v1/auth/guest", json={"transport": "cookie"})


def _token(answer: httpx.Response) -> str:
    name, _, value = answer.headers.get_list("set-cookie")[-1].partition(";")[0].partition("=")
    assert name == NAME
    return str(value)


def _refresh(auth: Client, token: str, **body: Any) -> httpx.Response:
    headers = {name.encode(): value.encode() for name, value in PROOF.items()}
    return auth.post("/v1/auth/refresh", headers={**headers, b"cookie": f"{NAME}={token}".encode("latin-1")}, **body)
