"""Attack group C: the link that resets a password is good once, for one account, and leads nowhere else."""

from collections.abc import Iterator

import pytest

from dev.stack import Stack
from gateway.tests.door import Door

from .conftest import CAREFUL
from .mailbox import Mailbox, text_of, token_of
from .people import PASSWORD, Person
from .visitors import Visitor, anywhere, at_once

NEW_PASSWORD = "another long passphrase"
EVIL = "evil.example"


@pytest.fixture
def visitor(careful: Stack) -> Iterator[Visitor]:
    with Visitor(careful, anywhere()) as client:
        yield client


@pytest.fixture
def victim(visitor: Visitor) -> Person:
    return visitor.account()


@pytest.fixture
def mailbox(careful: Stack) -> Mailbox:
    return Mailbox(careful)


def ask_for_reset(visitor: Visitor, mailbox: Mailbox, person: Person, *, number: int = 1) -> str:
    visitor.forget(person.email or "").raise_for_status()
    return mailbox.token("reset_password", person.email or "", number=number)


def test_a_reset_link_is_good_once(visitor: Visitor, mailbox: Mailbox, victim: Person) -> None:
    token = ask_for_reset(visitor, mailbox, victim)

    first, again = visitor.reset(token, NEW_PASSWORD), visitor.reset(token, "a third long passphrase")

    assert first.status_code == 204
    assert (again.status_code, again.json()["code"]) == (422, "invalid_mail_token")
    assert visitor.log_in(victim.email or "", NEW_PASSWORD).status_code == 200
    assert visitor.log_in(victim.email or "", PASSWORD).status_code == 401


def test_of_fifty_who_use_a_link_at_once_one_sets_the_password(
    visitor: Visitor, mailbox: Mailbox, victim: Person
) -> None:
    token = ask_for_reset(visitor, mailbox, victim)

    answers = at_once(50, lambda number: visitor.reset(token, f"passphrase number {number}").status_code)

    assert sorted(set(answers)) == [204, 422]
    assert answers.count(204) == 1
    assert visitor.log_in(victim.email or "", f"passphrase number {answers.index(204)}").status_code == 200


def test_a_password_that_was_changed_makes_links_that_were_asked_for_before_useless(
    visitor: Visitor, mailbox: Mailbox, victim: Person
) -> None:
    token = ask_for_reset(visitor, mailbox, victim)

    victim.http.post(
        "/v1/auth/password", json={"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    ).raise_for_status()

    assert visitor.reset(token, "a third long passphrase").json()["code"] == "invalid_mail_token"
    assert visitor.log_in(victim.email or "", NEW_PASSWORD).status_code == 200


def test_using_one_link_makes_the_others_useless(visitor: Visitor, mailbox: Mailbox, victim: Person) -> None:
    first, second = (ask_for_reset(visitor, mailbox, victim, number=number) for number in (1, 2))

    assert visitor.reset(second, NEW_PASSWORD).status_code == 204
    assert visitor.reset(first, "a third long passphrase").json()["code"] == "invalid_mail_token"


def test_a_link_that_is_for_something_else_resets_nothing(visitor: Visitor, mailbox: Mailbox, victim: Person) -> None:
    victim.http.post("/v1/auth/email", json={"email": f"new.{victim.email}", "password": PASSWORD}).raise_for_status()
    change = mailbox.token("change_email", f"new.{victim.email}")
    reset = ask_for_reset(visitor, mailbox, victim)

    assert visitor.reset(change, NEW_PASSWORD).status_code == 422
    assert visitor.post("/v1/auth/email/confirm", json={"token": reset}).status_code == 422
    assert visitor.post("/v1/auth/verify-email", json={"token": reset}).status_code == 422
    assert visitor.me(reset).status_code == 401
    assert visitor.reset(reset, NEW_PASSWORD).status_code == 204


def test_a_guessed_link_resets_nothing(visitor: Visitor, victim: Person) -> None:
    guesses = ("", "a" * 43, "' or '1'='1", "\0", "%")

    assert {visitor.reset(guess, NEW_PASSWORD).status_code for guess in guesses} == {422}
    assert visitor.log_in(victim.email or "").status_code == 200


POISON = {
    "X-Forwarded-Host": EVIL,
    "X-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Original-Host": EVIL,
    "X-Forwarded-Proto": "javascript",
    "X-Forwarded-Prefix": f"https://{EVIL}/",
    "Forwarded": f"host={EVIL};proto=https",
    "Origin": f"https://{EVIL}",
    "Referer": f"https://{EVIL}/",
}


def test_the_link_in_a_mail_leads_where_the_operator_says_whatever_the_request_claims(
    visitor: Visitor, mailbox: Mailbox, victim: Person
) -> None:
    visitor.forget(victim.email or "", headers=POISON).raise_for_status()

    letter = mailbox.letter("reset_password", victim.email or "")

    assert f"{CAREFUL['APP_URL']}/reset-password?token={token_of(letter)}" in text_of(letter)
    assert EVIL not in letter.as_string()
    assert "javascript" not in letter.as_string()


@pytest.mark.parametrize("lines", [[("Host", EVIL)], [("Host", "localhost"), ("Host", EVIL)]], ids=["one", "two"])
def test_a_request_for_another_host_asks_for_no_mail(
    lines: list[tuple[str, str]], careful: Stack, mailbox: Mailbox, victim: Person, visitor: Visitor
) -> None:
    body = f'{{"email": "{victim.email}"}}'.encode()
    content = [("Content-Type", "application/json")]

    answer = Door(careful.port).send("POST", "/v1/auth/password/forgot", [*lines, *content], body, host=None)

    assert answer.status in (400, 421)
    ask_for_reset(visitor, mailbox, victim)
    assert len(mailbox.letters("reset_password", victim.email)) == 1
