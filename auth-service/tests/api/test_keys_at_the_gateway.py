"""What an API key is worth at the gateway, and that it is worth nothing the moment it is revoked."""

from pathlib import Path

import jwt
import pytest

from chassis.testing import EVERY_SCOPE

from ..conftest import PASSWORD, Client, Clock, MakeSettings, Start
from ..kept import Kept
from ..keys import Keys

CACHED = "max-age=1, stale-if-error=3"


@pytest.fixture
def ada(auth: Client) -> Keys:
    return Keys(auth, auth.sign_up()["access_token"])


def test_a_key_is_exchanged_for_a_short_access_token_with_its_own_scopes(auth: Client, ada: Keys) -> None:
    key = ada.new(scopes=["usage:read", "chat:write", "usage:write", "chat:write"])

    answer = auth.check(key["key"])

    assert (answer.status_code, answer.content, answer.headers["x-auth-ok"]) == (204, b"", "1")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == (CACHED, "Authorization")
    claims = jwt.decode(answer.headers["x-auth-token"], options={"verify_signature": False})
    assert (claims["key"], claims["sid"], claims["role"]) == (key["id"], key["id"], "user")
    assert claims["scope"] == "chat:write usage:read usage:write"
    assert claims["exp"] - claims["iat"] == 120
    assert "x-auth-token" not in auth.check(auth.guest()["access_token"]).headers


def test_the_token_is_made_once_and_again_before_half_its_life_is_over(fresh: Client, clock: Clock) -> None:
    key = Keys(fresh, fresh.sign_up()["access_token"]).new()["key"]

    tokens = []
    for seconds in (0, 50, 20, 1):
        clock.ahead += seconds
        tokens.append(fresh.check(key).headers["x-auth-token"])

    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


def test_what_a_key_was_exchanged_for_cannot_touch_the_account(auth: Client, ada: Keys) -> None:
    token = auth.check(ada.new(scopes=EVERY_SCOPE.replace("account ", "").split())["key"]).headers["x-auth-token"]
    headers = {"authorization": f"Bearer {token}"}

    answers = [
        auth.me(token),
        auth.get("/v1/auth/sessions", headers=headers),
        auth.delete("/v1/auth/sessions", headers=headers),
        auth.post("/v1/auth/deletion", headers=headers, json={"password": PASSWORD}),
        *(Keys(auth, token).ask(method) for method in ("GET", "POST")),
    ]

    assert [answer.status_code for answer in answers] == [403] * 6


def test_the_raw_key_opens_nothing_but_the_gateway(auth: Client, ada: Keys) -> None:
    key = ada.new()["key"]

    answers = [auth.me(key), Keys(auth, key).ask("GET"), auth.refresh(key)]

    assert [answer.status_code for answer in answers] == [401] * 3


def test_a_revoked_key_is_dead_at_once_and_so_is_what_it_was_exchanged_for(auth: Client, ada: Keys) -> None:
    revoked, kept = ada.new(), ada.new()
    tokens = [auth.check(key["key"]).headers["x-auth-token"] for key in (revoked, kept)]
    before = [auth.check(token).status_code for token in tokens]

    answer = ada.ask("DELETE", revoked["id"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert before == [204, 204]
    assert [auth.check(secret).status_code for secret in (revoked["key"], tokens[0])] == [401, 401]
    assert [auth.check(secret).status_code for secret in (kept["key"], tokens[1])] == [204, 204]
    assert [ada.ask(method, revoked["id"]).json()["code"] for method in ("GET", "DELETE")] == ["api_key_not_found"] * 2
    assert [key["id"] for key in ada.ask("GET").json()["data"]] == [kept["id"]]


def test_a_key_that_was_never_used_is_dead_too_once_it_is_revoked(auth: Client, ada: Keys) -> None:
    key = ada.new()

    ada.ask("DELETE", key["id"])

    assert auth.check(key["key"]).status_code == 401


def test_a_key_lives_until_it_expires_and_no_token_for_it_longer(fresh: Client, clock: Clock) -> None:
    keys = Keys(fresh, fresh.sign_up()["access_token"])
    key = keys.new(expires_in=60)
    token = fresh.check(key["key"]).headers["x-auth-token"]
    secrets = (key["key"], token)

    before = [fresh.check(secret).status_code for secret in secrets]
    clock.ahead += 61
    after = [fresh.check(secret).status_code for secret in secrets]

    assert (before, after) == ([204, 204], [401, 401])
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == key["expires_at"]
    assert keys.ask("GET", key["id"]).json()["expires_at"] == key["expires_at"]


def test_the_answer_for_a_key_about_to_expire_is_not_kept(fresh: Client, clock: Clock) -> None:
    key = Keys(fresh, fresh.sign_up()["access_token"]).new(expires_in=60)
    clock.ahead += 58.5

    answer = fresh.check(key["key"])

    assert (answer.status_code, answer.headers["cache-control"]) == (204, "max-age=0")


def test_keys_survive_a_restart_and_so_do_their_last_use_and_their_end(
    start: Start, make_settings: MakeSettings, clock: Clock
) -> None:
    with start(make_settings()) as auth:
        access_token = auth.sign_up()["access_token"]
        kept, revoked = Keys(auth, access_token).new(), Keys(auth, access_token).new()
        clock.ahead += 100
        token = auth.check(revoked["key"]).headers["x-auth-token"]
        auth.check(kept["key"])
        Keys(auth, access_token).ask("DELETE", revoked["id"])

    with start(make_settings()) as auth:
        checks = [auth.check(secret).status_code for secret in (kept["key"], revoked["key"], token)]
        shown = Keys(auth, access_token).ask("GET", kept["id"]).json()

    assert checks == [204, 401, 401]
    assert 100 <= shown["last_used_at"] - shown["created_at"] <= 105


@pytest.mark.parametrize("change", ["update users set disabled_at = 1", "delete from users"])
def test_the_keys_of_somebody_who_may_not_sign_in_are_dead(
    start: Start, make_settings: MakeSettings, tmp_path: Path, change: str
) -> None:
    with start(make_settings()) as auth:
        key = Keys(auth, auth.sign_up()["access_token"]).new()
        token = auth.check(key["key"]).headers["x-auth-token"]
    Kept(tmp_path).change(change)

    with start(make_settings()) as auth:
        statuses = [auth.check(secret).status_code for secret in (token, key["key"])]

    assert statuses == [401, 401]


def test_the_keys_of_a_deleted_account_are_dead_at_once(auth: Client) -> None:
    access_token = auth.sign_up()["access_token"]
    key = Keys(auth, access_token).new()["key"]
    exchanged = auth.check(key).headers["x-auth-token"]

    auth.post("/v1/auth/deletion", json={"password": PASSWORD}, headers={"authorization": f"Bearer {access_token}"})

    assert [auth.check(secret).status_code for secret in (key, exchanged)] == [401, 401]


def test_a_key_of_an_operator_is_no_operator(
    start: Start, make_settings: MakeSettings, tmp_path: Path, email: str
) -> None:
    with start(make_settings()) as auth:
        auth.sign_up(email)
    Kept(tmp_path).change("update users set role = 'operator'")

    with start(make_settings()) as auth:
        access_token = auth.log_in(email).json()["access_token"]
        exchanged = auth.check(Keys(auth, access_token).new()["key"]).headers["x-auth-token"]

    operator, key = (jwt.decode(token, options={"verify_signature": False}) for token in (access_token, exchanged))
    assert (operator["role"], "admin" in operator["scope"].split()) == ("operator", True)
    assert (key["role"], key["scope"]) == ("user", "chat:read chat:write")


def test_signing_out_leaves_keys_alone(auth: Client) -> None:
    tokens = auth.sign_up()
    key = Keys(auth, tokens["access_token"]).new()["key"]

    auth.log_out(tokens["refresh_token"])

    assert auth.check(key).status_code == 204
    assert Keys(auth, tokens["access_token"]).create().status_code == 401


@pytest.mark.parametrize(
    "spell",
    ["{}x", "x{}", "{}=", "SK-DT-{0}", "sk-dt-", "sk-dt-\xe9", "sk-dt-" + "A" * 43, "sk-dt-" + "A" * 5000],
)
def test_what_is_not_the_key_to_the_letter_is_refused(auth: Client, ada: Keys, spell: str) -> None:
    key = ada.new()["key"]
    auth.check(key)

    answer = auth.get(
        "/internal/gateway/check", headers={b"authorization": b"Bearer " + spell.format(key).encode("latin-1")}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == (CACHED, "Authorization")
    assert "x-auth-token" not in answer.headers


def test_the_database_does_not_hold_the_key(fresh: Client, tmp_path: Path) -> None:
    key = Keys(fresh, fresh.sign_up()["access_token"]).new()["key"]
    fresh.check(key)

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())

    assert key.removeprefix("sk-dt-").encode() not in stored
