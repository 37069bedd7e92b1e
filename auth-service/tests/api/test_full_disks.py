"""On a nearly full disk nothing new begins, and whatever ends, deletes or keeps somebody out goes on."""

from typing import Any

from auth_service.operator_door import OperatorDoor
from chassis.testing import service_token

from ..conftest import PASSWORD, Client, MakeSettings, Start

FULL: dict[str, Any] = {"storage_reserve_bytes": 10**18}
NEW_PASSWORD = "five loud magpies"


def signed_in(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def test_nothing_new_begins(start: Start, make_settings: MakeSettings, email: str) -> None:
    with start(make_settings()) as auth:
        tokens = auth.sign_up(email)

    with start(make_settings(**FULL)) as auth:
        answers = [
            auth.log_in(email),
            auth.post("/v1/auth/guest"),
            auth.post("/v1/auth/keys", json={"name": "a", "scopes": ["chat:read"]}, headers=signed_in(tokens)),
        ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(507, "storage_full")}


def test_whoever_is_signed_in_stays_so_and_can_delete_what_fills_it(
    start: Start, make_settings: MakeSettings, email: str
) -> None:
    with start(make_settings()) as auth:
        tokens = auth.sign_up(email)

    with start(make_settings(**FULL)) as auth:
        refreshed = auth.refresh(tokens["refresh_token"])
        assert refreshed.status_code == 200
        gone = auth.post("/v1/auth/deletion", json={"password": PASSWORD}, headers=signed_in(refreshed.json()))

    assert gone.status_code == 202


def test_a_thief_is_kept_out(start: Start, make_settings: MakeSettings, email: str) -> None:
    with start(make_settings()) as auth:
        tokens, stolen, reused = auth.sign_up(email), auth.log_in(email).json(), auth.sign_up()
        spent = reused["refresh_token"]
        for _ in range(2):
            reused = auth.refresh(reused["refresh_token"]).json()

    with start(make_settings(**FULL)) as auth:
        auth.refresh(spent)
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        changed = auth.post("/v1/auth/password", json=body, headers=signed_in(tokens))

        assert changed.status_code == 204
        for each in (stolen, reused):
            assert auth.check(each["access_token"]).status_code == 401


def test_an_operator_can_keep_somebody_out(start: Start, make_settings: MakeSettings, email: str) -> None:
    with start(make_settings()) as auth:
        tokens = auth.sign_up(email)
        operator = auth.sign_up()
        _command(auth, make_settings, "role", account=operator["user"]["id"], role="operator")
        operator = auth.log_in(operator["user"]["email"]).json()

    with start(make_settings(**FULL)) as auth:
        _command(auth, make_settings, "disable", account=email)
        _command(auth, make_settings, "role", account=operator["user"]["id"], role="user")

        assert [auth.check(each["access_token"]).status_code for each in (tokens, operator)] == [401, 401]


def _command(auth: Client, make_settings: MakeSettings, name: str, **body: str) -> None:
    door = OperatorDoor.find(make_settings().service_data)
    assert door is not None
    headers = {"authorization": f"Bearer {service_token('operator', 'auth', door.secret)}"}
    auth.post(f"/internal/operators/{name}", json=body, headers=headers).raise_for_status()
