"""Attack group C: passwords and addresses that are not quite what they seem, and bodies that say too much."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.testing import eventually
from dev.fake_google import FakeGoogle
from dev.stack import Stack

from .mailbox import Mailbox, addressee
from .people import PASSWORD
from .visitors import Visitor, anywhere, fresh_email

REFUSED = (400, 413, 422)
TRUNCATED_BY_BCRYPT = 72


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Iterator[Visitor]:
    with Visitor(stack) as client:
        yield client


TWINS = {
    "the same first 72 bytes": ("x" * 30 + "y" * 42 + " and an end", "x" * 30 + "y" * 42 + " another end"),
    "the same until a NUL": ("correct horse\0battery", "correct horse\0staple"),
    "cut at the NUL": ("correct horse\0battery", "correct horse"),
    "a space at the end": ("correct horse battery", "correct horse battery "),
    "another case": ("correct horse battery", "Correct horse battery"),
    "a letter that looks the same": ("correct horse battery", "c\u043errect horse battery"),
    "a compatible letter": ("\ufb01ne horse battery", "fine horse battery"),
    "full width": ("correct horse battery", "\uff43orrect horse battery"),
    "an invisible one": ("correct horse battery", "correct\u200b horse battery"),
}


@pytest.mark.parametrize("twins", TWINS)
def test_a_password_that_only_looks_the_same_is_another(twins: str, visitor: Visitor) -> None:
    password, twin = TWINS[twins]
    email = fresh_email()
    assert visitor.sign_up(email, password).status_code == 201

    assert visitor.log_in(email, twin).status_code == 401
    assert visitor.log_in(email, password).status_code == 200


def test_a_password_is_the_same_however_a_keyboard_composes_it(visitor: Visitor) -> None:
    composed, decomposed = (unicodedata.normalize(form, "crème brûlée forever") for form in ("NFC", "NFD"))
    email = fresh_email()
    visitor.sign_up(email, decomposed)

    assert composed != decomposed
    assert visitor.log_in(email, composed).status_code == 200


@pytest.mark.parametrize("way", ["signup", "login", "password/reset"])
@pytest.mark.parametrize("length", [129, 17_000, 4_000_000])
def test_a_huge_password_costs_nothing_but_a_refusal(length: int, way: str, visitor: Visitor) -> None:
    secret = "p" * length
    bodies = {
        "signup": {"email": fresh_email(), "password": secret, "username": "Ada"},
        "login": {"email": fresh_email(), "password": secret},
        "password/reset": {"token": "t" * 43, "new_password": secret},
    }

    answer = visitor.post(f"/v1/auth/{way}", json=bodies[way])

    assert answer.status_code == (422 if length < 16_384 else 413)
    assert secret[:129] not in answer.text


def test_the_longest_password_counts_to_its_last_letter(visitor: Visitor) -> None:
    email, longest = fresh_email(), "x" * (128 - 10) + "0123456789"

    assert visitor.sign_up(email, longest).status_code == 201
    assert visitor.log_in(email, longest[:-1] + "8").status_code == 401
    assert visitor.log_in(email, longest).status_code == 200


SAME_ADDRESS = (str.upper, str.title, lambda email: f"  {email} ")


@pytest.mark.parametrize("spelled", SAME_ADDRESS, ids=["upper case", "title case", "spaces"])
def test_another_spelling_of_an_address_is_the_same_account(spelled: Any, visitor: Visitor) -> None:
    email = fresh_email()
    visitor.sign_up(email)

    assert visitor.sign_up(spelled(email)).json()["code"] == "email_taken"
    assert visitor.log_in(spelled(email)).status_code == 200


OTHER_ADDRESSES = {
    "dots": lambda name: f"{name[:3]}.{name[3:]}@example.com",
    "a plus": lambda name: f"{name}+x@example.com",
    "another letter that looks the same": lambda name: f"{name.replace('a', 'а')}@example.com",
    "another domain": lambda name: f"{name}@example.org",
    "a dotless i": lambda name: f"{name.replace('i', 'ı')}@example.com",
}


@pytest.mark.parametrize("how", OTHER_ADDRESSES)
def test_an_address_that_only_looks_the_same_is_another_account(how: str, stack: Stack, visitor: Visitor) -> None:
    owner = visitor.account(f"ai{fresh_email()}")
    lookalike = OTHER_ADDRESSES[how]((owner.email or "").partition("@")[0])

    visitor.forget(lookalike).raise_for_status()
    visitor.forget(owner.email or "").raise_for_status()

    assert visitor.log_in(lookalike).status_code == 401
    [letter] = eventually(lambda: Mailbox(stack).letters("reset_password", owner.email))
    assert addressee(letter) == owner.email
    assert visitor.sign_up(lookalike).status_code == 201


def test_a_mail_goes_to_the_address_of_the_account_never_to_the_one_that_was_typed(
    stack: Stack, visitor: Visitor
) -> None:
    owner = visitor.account(f"k{fresh_email()}")
    typed = "\u212a" + (owner.email or "")[1:]  # KELVIN SIGN, which lower-cases to k

    visitor.forget(typed).raise_for_status()

    [letter] = eventually(lambda: Mailbox(stack).letters("reset_password", owner.email))
    assert "\u212a" not in letter.as_string()


NO_ADDRESSES = (
    "{0}\r\nBcc: eve@example.com",
    "{0}\nSubject: You have won",
    "{0}%0d%0aBcc: eve@example.com",
    "{0}\0",
    "{0},eve@example.com",
    "{0};eve@example.com",
    "Ada <{0}>",
    '"{0}"@example.com',
    "eve@example.com {0}",
    "=?utf-8?q?eve=40example.com=00?={0}",
    "{0}\u2028eve@example.com",
    "{0}\u202emoc.elpmaxe@eve",
    "a" * 250 + "@example.com",
)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_refused_wherever_one_is_asked_for(text: str, visitor: Visitor) -> None:
    person = visitor.account()
    bad = text.replace("{0}", fresh_email())

    answers = [
        visitor.sign_up(bad),
        visitor.log_in(bad),
        visitor.forget(bad),
        visitor.post("/v1/auth/verify-email/resend", json={"email": bad}),
        person.http.post("/v1/auth/email", json={"email": bad, "password": PASSWORD}),
    ]

    assert {answer.status_code for answer in answers} == {422}


SAID_TOO_MUCH: tuple[dict[str, Any], ...] = (
    {"email_verified": True},
    {"email_verified_at": 1},
    {"role": "operator"},
    {"id": "user_00000000000000000000000000000000"},
    {"user_id": "user_00000000000000000000000000000000"},
    {"is_admin": True},
    {"scope": "account admin"},
    {"disabled_at": None},
    {"merged_into": "user_00000000000000000000000000000000"},
    {"password_hash": "$argon2id$"},
    {"__proto__": {"role": "operator"}},
)


@pytest.mark.parametrize("extra", SAID_TOO_MUCH, ids=lambda extra: next(iter(extra)))
def test_a_body_that_says_who_one_is_beyond_what_is_asked_is_refused_whole(
    extra: dict[str, Any], visitor: Visitor, google: FakeGoogle
) -> None:
    person, email = visitor.account(), fresh_email()

    answers = [
        visitor.sign_up(email, **extra),
        visitor.log_in(person.email or "", **extra),
        visitor.post("/v1/auth/guest", json=extra),
        visitor.post("/v1/auth/refresh", json={"refresh_token": person.tokens["refresh_token"], **extra}),
        visitor.post("/v1/auth/google", json={"id_token": google.id_token(email), **extra}),
        person.http.patch("/v1/auth/me", json={"username": "Eve", **extra}),
        person.http.post("/v1/auth/keys", json={"name": "a", "scopes": ["chat:read"], **extra}),
    ]

    assert {answer.status_code for answer in answers} <= {*REFUSED}
    assert visitor.log_in(email).status_code == 401
    me = person.get("/v1/auth/me")
    assert (me["role"], me["email_verified"], me["username"]) == ("user", False, "Ada")
    assert visitor.refresh(person.tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("scopes", [["admin"], ["account"], ["chat:read", "admin"], ["*"], [""], []])
def test_an_api_key_gets_no_scope_that_keys_cannot_have(scopes: list[str], visitor: Visitor) -> None:
    person = visitor.account()

    answer = person.http.post("/v1/auth/keys", json={"name": "a program", "scopes": scopes})

    assert answer.status_code == 422
    assert person.get("/v1/auth/keys")["data"] == []


def test_a_sign_up_by_mail_verifies_the_address_that_got_it_and_no_other(careful: Stack) -> None:
    with Visitor(careful, anywhere()) as visitor:
        email, other = fresh_email(), fresh_email()
        visitor.sign_up(email)
        token = Mailbox(careful).token("sign_up", email)

        named = visitor.post("/v1/auth/verify-email", json={"token": token, "email": other})
        taken = visitor.post("/v1/auth/verify-email", json={"token": token})
        again = visitor.post("/v1/auth/verify-email", json={"token": token})

    assert named.status_code in REFUSED
    assert (taken.status_code, taken.json()["user"]["email"]) == (200, email)
    assert (again.status_code, again.json()["code"]) == (422, "invalid_mail_token")
