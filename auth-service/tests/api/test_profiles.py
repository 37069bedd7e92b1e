"""What users change about themselves without changing how they sign in."""

from typing import Any

import httpx
import pytest

from ..conftest import Client

PICTURE = "https://images.example.org/ada/1.png?size=64"


def change(auth: Client, tokens: dict[str, Any], **fields: Any) -> httpx.Response:
    return auth.patch("/v1/auth/me", json=fields, headers={"authorization": f"Bearer {tokens['access_token']}"})


def test_a_user_changes_username_and_picture(auth: Client) -> None:
    tokens = auth.sign_up()

    answer = change(auth, tokens, username="  Countess ", picture=PICTURE)

    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["picture"]) == ("Countess", PICTURE)
    assert auth.me(tokens["access_token"]).json() == answer.json()


def test_what_is_left_out_stays(auth: Client) -> None:
    tokens = auth.sign_up()
    change(auth, tokens, picture=PICTURE)

    answers = [change(auth, tokens), change(auth, tokens, username="Countess"), change(auth, tokens, picture=None)]

    assert [(answer.json()["username"], answer.json()["picture"]) for answer in answers] == [
        ("Ada", PICTURE),
        ("Countess", PICTURE),
        ("Countess", None),
    ]


def test_nobody_changes_somebody_else(auth: Client) -> None:
    ada, bob = auth.sign_up(), auth.sign_up()

    change(auth, ada, username="Countess")

    assert auth.me(bob["access_token"]).json()["username"] == "Ada"


@pytest.mark.parametrize(
    "picture",
    [
        "",
        "http://example.org/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https://user:secret@example.org/a.png",
        "https://example.org\\@evil.example/",
        'https://example.org/"onerror="alert(1)',
        "https://example.org/a.png\n",
        "https://example.org/a b.png",
        "https://exa\u202emple.org/a.png",
        "https://example.org/" + "a" * 2030,
        7,
    ],
)
def test_a_picture_is_the_plain_https_address_of_an_image(auth: Client, picture: object) -> None:
    answer = change(auth, auth.sign_up(), picture=picture)

    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "picture")


@pytest.mark.parametrize(
    "fields",
    [{"username": None}, {"username": " "}, {"email": "eve@example.org"}, {"role": "operator"}, {"id": "user_1"}],
)
def test_nothing_else_can_be_changed_that_way(auth: Client, fields: dict[str, Any]) -> None:
    tokens = auth.sign_up()

    answer = change(auth, tokens, **fields)

    assert answer.status_code in (400, 422)
    assert auth.me(tokens["access_token"]).json() == tokens["user"]


def test_guests_and_strangers_have_no_profile(auth: Client) -> None:
    guest = auth.guest()

    answers = [change(auth, guest, username="Nobody"), auth.patch("/v1/auth/me", json={"username": "Nobody"})]

    assert [answer.status_code for answer in answers] == [403, 401]
