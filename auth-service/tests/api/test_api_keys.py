"""API keys: made, shown once, listed, renamed, and never another account's."""

import re
from typing import Any

import pytest

from ..conftest import Client, Clock, MakeSettings, Start
from ..keys import Keys

DAY = 86_400


@pytest.fixture
def ada(auth: Client) -> Keys:
    return Keys(auth, auth.sign_up()["access_token"])


def test_a_new_key_is_shown_once(ada: Keys) -> None:
    made = ada.create(name="  nightly report ", expires_in=DAY).json()

    shown = [ada.ask("GET", made["id"]).json(), *ada.ask("GET").json()["data"]]

    key = made.pop("key")
    assert re.fullmatch(r"sk-dt-[A-Za-z0-9_-]{43}", key)
    assert shown == [made, made]
    assert (made["object"], made["name"], made["scopes"]) == ("api_key", "nightly report", ["chat:read", "chat:write"])
    assert (made["last_four"], made["last_used_at"]) == (key[-4:], None)
    assert made["expires_at"] - made["created_at"] == DAY
    assert ada.new()["expires_at"] is None


def test_a_key_can_be_renamed(ada: Keys) -> None:
    key = ada.new()

    renamed = ada.ask("PATCH", key["id"], json={"name": "another name"})

    assert (renamed.status_code, renamed.json()["name"]) == (200, "another name")
    assert ada.ask("GET", key["id"]).json() == renamed.json()


@pytest.mark.parametrize("body", [{"scopes": ["chat:read"]}, {"name": "x", "scopes": ["usage:write"]}, {"name": ""}])
def test_nothing_else_of_a_key_can_be_changed(ada: Keys, body: dict[str, Any]) -> None:
    key = ada.new()
    key.pop("key")

    answer = ada.ask("PATCH", key["id"], json=body)

    assert answer.status_code in (400, 422)
    assert ada.ask("GET", key["id"]).json() == key


def test_the_keys_of_another_account_are_as_good_as_missing(auth: Client, ada: Keys) -> None:
    hers = ada.new()
    bob = Keys(auth, auth.sign_up()["access_token"])

    answers = [
        bob.ask(method, key_id, json=body)
        for key_id in (hers["id"], "key_" + "0" * 32, hers["id"].upper(), "x")
        for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None))
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "api_key_not_found")}
    assert bob.ask("GET", params={"after": hers["id"], "order": "asc"}).json()["data"] == []
    assert ada.ask("GET", hers["id"]).json()["name"] == "a script"
    assert auth.check(hers["key"]).status_code == 204


def test_the_list_is_walked_in_either_direction(ada: Keys) -> None:
    made = [ada.new(name=str(number))["id"] for number in range(5)]

    first = ada.ask("GET", params={"limit": 2}).json()
    second = ada.ask("GET", params={"limit": 2, "after": first["last_id"]}).json()
    oldest = ada.ask("GET", params={"limit": 100, "order": "asc"}).json()

    assert (first["object"], first["has_more"], first["first_id"], first["last_id"]) == ("list", True, made[4], made[3])
    assert [key["id"] for key in second["data"]] == [made[2], made[1]]
    assert ([key["id"] for key in oldest["data"]], oldest["has_more"]) == (made, False)


def test_there_is_a_most_and_expired_keys_make_room(start: Start, make_settings: MakeSettings, clock: Clock) -> None:
    with start(make_settings(api_keys_per_user=3)) as auth:
        keys, others_keys = (Keys(auth, auth.sign_up()["access_token"]) for _ in range(2))
        expiring = keys.new(expires_in=60)
        living = [keys.new() for _ in range(2)]

        full = keys.create()
        clock.ahead += 61
        statuses = [keys.create().status_code for _ in range(2)]

        assert (full.status_code, full.json()["code"]) == (409, "too_many_api_keys")
        assert statuses == [201, 409]
        assert keys.ask("GET", expiring["id"]).status_code == 404
        assert [auth.check(key["key"]).status_code for key in living] == [204, 204]
        assert others_keys.create().status_code == 201


def test_guests_have_no_keys(auth: Client) -> None:
    guest = Keys(auth, auth.guest()["access_token"])

    answers = [guest.create(), guest.ask("GET"), guest.ask("DELETE", "key_1")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 3


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 65},
        {"name": "a\0b"},
        {"name": "a\u202eb"},
        {"name": None},
        {"scopes": []},
        {"scopes": ["account"]},
        {"scopes": ["admin"]},
        {"scopes": ["chat:read", "chat"]},
        {"scopes": ["chat:read admin"]},
        {"scopes": "chat:read"},
        {"scopes": ["chat:read"] * 17},
        {"expires_in": 59},
        {"expires_in": -1},
        {"expires_in": 10**20},
        {"expires_in": True},
        {"expires_in": 60.5},
        {"role": "operator"},
        {"key": "sk-dt-" + "A" * 43},
        {"user_id": "user_" + "0" * 32},
    ],
    ids=repr,
)
def test_a_key_that_is_not_well_asked_for_is_not_made(ada: Keys, changed: dict[str, Any]) -> None:
    answer = ada.create(**changed)

    assert answer.status_code == 422 or (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert answer.json()["error"]["param"].partition(".")[0] == next(iter(changed))
    assert ada.ask("GET").json()["data"] == []
