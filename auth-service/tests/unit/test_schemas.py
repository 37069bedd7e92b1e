"""How addresses and names are spelled once they are in."""

import pytest
from pydantic import ValidationError

from auth_service.schemas.sign_ins import LogIn, SignUp


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace+news@Example.ORG ", "ada.lovelace+news@example.org"),
        ("zoe\u0308@example.org", "zo\u00eb@example.org"),
        ("पता@उदाहरण.भारत", "पता@उदाहरण.भारत"),
        ("o'neil@a.b-c.example", "o'neil@a.b-c.example"),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert LogIn(email=typed, password="x").email == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@@example.org",
        "ada@eve@example.org",
        "ada@example..org",
        ".ada@example.org",
        "ada@example.org.",
        "a da@example.org",
        "ada@example.org\n",
        "\nada@example.org",
        "ada@exa\rmple.org",
        "ada\0@example.org",
        "ada\u200b@example.org",
        "ada\u202e@example.org",
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        '"a b"@example.org',
        "=?utf-8?q?eve=40evil.example=3e?=@example.org",
        "a" * 243 + "@example.org",
    ],
)
def test_what_is_no_plain_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        LogIn(email=typed, password="x")


def test_a_name_is_trimmed_and_composed() -> None:
    body = SignUp(email="ada@example.org", password="x", username="  Zoe\u0308 of  York ")

    assert body.username == "Zo\u00eb of  York"


def test_an_error_does_not_repeat_the_password() -> None:
    with pytest.raises(ValidationError) as refusal:
        SignUp.model_validate({"email": "ada@example.org", "password": "swordfish" * 20, "username": "Ada"})

    assert "swordfish" not in str(refusal.value)
