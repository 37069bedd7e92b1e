"""Signing up, logging in, coming as a guest, and looking at oneself."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest

from chassis.testing import EVERY_SCOPE

from ..conftest import PASSWORD, Client, MakeSettings, Start
from ..kept import Kept

ROUTES = ["/v1/auth/signup", "/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout"]


def test_signing_up_answers_tokens_and_the_user(auth: Client, email: str) -> None:
    answer = auth.post("/v1/auth/signup", json=_sign_up(email))

    assert answer.status_code == 201
    tokens = answer.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 600)
    user = tokens["user"]
    assert set(user) == {"id", "object", "email", "email_verified", "username", "picture", "role", "created_at"}
    assert (user["object"], user["email"], user["username"], user["role"]) == ("user", email, "Ada", "user")
    assert (user["email_verified"], user["picture"]) == (False, None)
    assert isinstance(user["created_at"], int)


def test_an_access_token_says_what_the_architecture_promises(auth: Client) -> None:
    tokens = auth.sign_up()

    header = jwt.get_unverified_header(tokens["access_token"])
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})

    assert (header["alg"], header["typ"], len(header["kid"])) == ("EdDSA", "at+jwt", 43)
    assert set(claims) == {"iss", "aud", "sub", "sid", "role", "scope", "jti", "iat", "exp"}
    assert (claims["sub"], claims["role"], claims["scope"]) == (tokens["user"]["id"], "user", EVERY_SCOPE)
    assert claims["exp"] - claims["iat"] == tokens["expires_in"]


def test_logging_in_answers_the_same_user_in_a_session_of_its_own(auth: Client, email: str) -> None:
    first = auth.sign_up(email)

    answer = auth.log_in(email)

    assert answer.status_code == 200
    assert answer.json()["user"] == first["user"]
    assert _session(answer.json()) != _session(first)


@pytest.mark.parametrize("respell", [str.upper, str.title, " {}  ".format])
def test_one_address_in_any_spelling_is_one_account(auth: Client, email: str, respell: Callable[[str], str]) -> None:
    auth.sign_up(email)

    again = auth.post("/v1/auth/signup", json=_sign_up(respell(email)))
    logged_in = auth.log_in(respell(email))

    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert logged_in.status_code == 200


def test_a_taken_address_is_refused_also_when_both_come_at_once(auth: Client, email: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: auth.post("/v1/auth/signup", json=_sign_up(email)), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(auth: Client, email: str) -> None:
    auth.sign_up(email)

    wrong = auth.log_in(email, "four quiet heron")
    unknown = auth.log_in("eve@example.org")

    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert wrong.headers["content-type"] == "application/problem+json"
    assert _without_request_id(wrong.json()) == _without_request_id(unknown.json())
    assert set(wrong.headers) == set(unknown.headers)


@pytest.mark.parametrize(("password", "twin"), [("é" * 60 + "a", "é" * 60 + "b"), ("before\0after", "before\0other")])
def test_passwords_that_differ_only_after_byte_72_or_a_nul_are_different(
    auth: Client, email: str, password: str, twin: str
) -> None:
    auth.sign_up(email, password)

    assert auth.log_in(email, password).status_code == 200
    assert auth.log_in(email, twin).status_code == 401


def test_a_password_is_the_same_however_its_accents_were_composed(auth: Client, email: str) -> None:
    auth.sign_up(email, "caf\u00e9 au lait")

    answer = auth.log_in(email, "cafe\u0301 au lait")

    assert answer.status_code == 200


def test_the_database_holds_neither_password_nor_tokens(fresh: Client, tmp_path: Path) -> None:
    tokens = fresh.sign_up()
    refreshed = fresh.refresh(tokens["refresh_token"]).json()

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"$argon2id$" in stored
    proofs = [part["refresh_token"].rpartition(".")[2] for part in (tokens, refreshed)]
    for secret in (PASSWORD, tokens["access_token"], *proofs):
        assert secret.encode() not in stored


def test_logging_in_renews_a_hash_of_another_cost(
    start: Start, make_settings: MakeSettings, tmp_path: Path, email: str
) -> None:
    with start(make_settings(argon2_iterations=1)) as auth:
        auth.sign_up(email)

    with start(make_settings(argon2_iterations=2)) as auth:
        statuses = [auth.log_in(email).status_code for _ in range(2)]

    assert statuses == [200, 200]
    hashes = Kept(tmp_path).rows("select password_hash from users")
    assert "t=2" in hashes[0][0]


def test_a_guest_is_a_user_without_a_name(auth: Client) -> None:
    tokens = auth.guest()

    me = auth.me(tokens["access_token"])

    assert (tokens["user"]["role"], tokens["user"]["email"], tokens["user"]["username"]) == ("guest", None, None)
    assert me.json() == tokens["user"]
    assert auth.check(tokens["access_token"]).headers["x-auth-ok"] == "1"


def test_two_guests_are_two_users(auth: Client) -> None:
    assert auth.guest()["user"]["id"] != auth.guest()["user"]["id"]


def test_me_is_the_signed_in_user(auth: Client) -> None:
    ada, bob = auth.sign_up(), auth.sign_up()

    answers = [auth.me(tokens["access_token"]).json() for tokens in (ada, bob)]

    assert answers == [ada["user"], bob["user"]]


def test_me_needs_a_token(auth: Client) -> None:
    answers = [auth.get("/v1/auth/me"), auth.me("nonsense"), auth.me(auth.sign_up()["refresh_token"])]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "invalid_token")] * 3


@pytest.mark.parametrize(
    "password", ["short", "seven77", "password1", "PassWord1", "aaaaaaaaaaaa", "ada@example.org", "Countess"]
)
def test_a_password_that_is_easy_to_guess_is_refused(auth: Client, password: str) -> None:
    answer = auth.post("/v1/auth/signup", json=_sign_up("ada@example.org", password=password, username="countess"))

    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert answer.json()["error"]["param"] == "password"
    assert password not in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "no address"},
        {"email": "ada@example.org\r\nbcc: eve@example.org"},
        {"email": "a" * 243 + "@example.org"},
        {"email": 7},
        {"email": None},
        {"password": "x" * 129},
        {"password": "lone \ud800 surrogate"},
        {"password": ["four quiet herons"]},
        {"username": ""},
        {"username": "   "},
        {"username": "x" * 65},
        {"username": "a\0b"},
        {"username": "a\u202eb"},
        {"role": "operator"},
        {"email_verified": True},
    ],
    ids=repr,
)
def test_a_sign_up_that_is_not_well_formed_is_refused_and_not_repeated(
    auth: Client, email: str, changes: dict[str, Any]
) -> None:
    body = json.dumps(_sign_up(**{"email": email, **changes}))

    answer = auth.post("/v1/auth/signup", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422 or (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert answer.json()["error"]["param"] == next(iter(changes))
    assert "eve@example.org" not in answer.text
    assert auth.log_in(email).status_code == 401


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_no_json_object_is_refused(auth: Client, path: str) -> None:
    bodies = [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"refresh_token": NaN}', b"[" * 2000]

    answers = [auth.post(path, content=body, headers={"content-type": "application/json"}) for body in bodies]

    assert all(answer.status_code in (400, 422) for answer in answers)
    assert all(answer.json()["code"] in ("invalid_json", "invalid_request") for answer in answers)


@pytest.mark.parametrize("path", ["/v1/auth/signup", "/v1/auth/login"])
@pytest.mark.parametrize("body", [b"", b"null"])
def test_who_signs_in_sends_a_body(auth: Client, path: str, body: bytes) -> None:
    answer = auth.post(path, content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ROUTES)
def test_a_huge_body_is_refused(auth: Client, path: str) -> None:
    answer = auth.post(path, json=_sign_up(password="x" * 4_000_000))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_a_method_that_a_path_does_not_take_is_refused(auth: Client) -> None:
    assert auth.get("/v1/auth/login").status_code == 405


def test_it_is_alive_and_ready(auth: Client) -> None:
    assert [auth.get(f"/health/{probe}").status_code for probe in ("live", "ready")] == [200, 200]


def _sign_up(email: str = "ada@example.org", **changes: Any) -> dict[str, Any]:
    return {"email": email, "password": PASSWORD, "username": "Ada", **changes}


def _session(tokens: dict[str, Any]) -> str:
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return str(claims["sid"])


def _without_request_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
