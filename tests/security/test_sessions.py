"""Attack group B: a refresh token is good once, and nothing of a session is good once it has ended."""

import time
from collections.abc import Callable, Iterator

import pytest

from dev.stack import Stack

from .command_line import operate
from .mailbox import Mailbox
from .people import PASSWORD, Person
from .visitors import Visitor, anywhere, at_once, fresh_email

ANOTHER_PASSWORD = "another long passphrase"


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Iterator[Visitor]:
    with Visitor(stack) as client:
        yield client


def test_a_refresh_token_used_after_its_successor_was_ends_the_whole_family(visitor: Visitor) -> None:
    first = visitor.guest().tokens
    second = visitor.refresh(first["refresh_token"]).json()
    third = visitor.refresh(second["refresh_token"]).json()

    stolen = visitor.refresh(first["refresh_token"])

    assert (stolen.status_code, stolen.json()["code"]) == (401, "invalid_refresh_token")
    assert [visitor.refresh(each["refresh_token"]).status_code for each in (first, second, third)] == [401] * 3
    assert visitor.me(third["access_token"]).status_code == 401


@pytest.mark.parametrize("family", range(5))
def test_fifty_refreshes_at_once_give_exactly_one_successor(family: int, visitor: Visitor) -> None:
    token = visitor.guest().tokens["refresh_token"]

    answers = at_once(50, lambda _: visitor.refresh(token))

    assert {answer.status_code for answer in answers} == {200}
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    assert successor != token
    assert visitor.refresh(successor).status_code == 200


def test_fifty_thieves_with_a_spent_token_get_nothing_and_end_the_session(visitor: Visitor) -> None:
    spent = visitor.guest().tokens["refresh_token"]
    good = visitor.refresh(visitor.refresh(spent).json()["refresh_token"]).json()["refresh_token"]

    answers = at_once(50, lambda number: visitor.refresh(spent if number else good))

    assert [answer.status_code for answer in answers[1:]] == [401] * 49
    assert visitor.refresh(good).status_code == 401


def test_a_refresh_repeated_within_the_grace_gets_the_same_successor(visitor: Visitor) -> None:
    token = visitor.guest().tokens["refresh_token"]

    first, repeated = (visitor.refresh(token).json()["refresh_token"] for _ in range(2))

    assert first == repeated


def test_a_refresh_repeated_after_the_grace_ends_the_session(careful: Stack) -> None:
    with Visitor(careful, anywhere()) as visitor:
        token = visitor.guest().tokens["refresh_token"]
        successor = visitor.refresh(token).json()["refresh_token"]
        time.sleep(2.0 - time.time() % 1 + 0.05)  # grace is one second, counted in whole ones

        repeated = visitor.refresh(token)

        assert repeated.status_code == 401
        assert visitor.refresh(successor).status_code == 401


def log_out(stack: Stack, visitor: Visitor, person: Person) -> None:
    visitor.log_out(person.tokens["refresh_token"]).raise_for_status()


def log_out_with_a_spent_token(stack: Stack, visitor: Visitor, person: Person) -> None:
    spent = person.tokens["refresh_token"]
    person.tokens = visitor.refresh(spent).json()
    visitor.log_out(spent).raise_for_status()


def revoke_it_from_elsewhere(stack: Stack, visitor: Visitor, person: Person) -> None:
    elsewhere = visitor.signed_in(person.email or "")
    session = person.tokens["refresh_token"].partition(".")[0]
    elsewhere.http.delete(f"/v1/auth/sessions/{session}").raise_for_status()


def sign_out_everywhere_else(stack: Stack, visitor: Visitor, person: Person) -> None:
    elsewhere = visitor.signed_in(person.email or "")
    elsewhere.http.delete("/v1/auth/sessions", params={"keep_current": "true"}).raise_for_status()
    assert visitor.refresh(elsewhere.tokens["refresh_token"]).status_code == 200


def change_the_password_elsewhere(stack: Stack, visitor: Visitor, person: Person) -> None:
    elsewhere = visitor.signed_in(person.email or "")
    elsewhere.http.post(
        "/v1/auth/password", json={"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    ).raise_for_status()
    assert visitor.refresh(elsewhere.tokens["refresh_token"]).status_code == 200


def change_the_address_elsewhere(stack: Stack, visitor: Visitor, person: Person) -> None:
    elsewhere = visitor.signed_in(person.email or "")
    elsewhere.http.post("/v1/auth/email", json={"email": fresh_email(), "password": PASSWORD}).raise_for_status()


def reset_the_password(stack: Stack, visitor: Visitor, person: Person) -> None:
    visitor.forget(person.email or "").raise_for_status()
    token = Mailbox(stack).token("reset_password", person.email or "")
    visitor.reset(token, ANOTHER_PASSWORD).raise_for_status()


def delete_the_account(stack: Stack, visitor: Visitor, person: Person) -> None:
    person.post("/v1/auth/deletion", json={"password": PASSWORD})


def have_an_operator_disable_it(stack: Stack, visitor: Visitor, person: Person) -> None:
    assert operate(stack, "disable", person.email or "")["disabled_at"]
    assert visitor.log_in(person.email or "").json()["code"] == "account_disabled"


ENDS: list[Callable[[Stack, Visitor, Person], None]] = [
    log_out,
    log_out_with_a_spent_token,
    revoke_it_from_elsewhere,
    sign_out_everywhere_else,
    change_the_password_elsewhere,
    change_the_address_elsewhere,
    reset_the_password,
    delete_the_account,
    have_an_operator_disable_it,
]


@pytest.mark.parametrize("end", ENDS)
def test_nothing_of_a_session_is_good_after_its_end(
    end: Callable[[Stack, Visitor, Person], None], stack: Stack, visitor: Visitor
) -> None:
    person = visitor.account()
    assert visitor.me(person.token).status_code == 200

    end(stack, visitor, person)

    refused = visitor.refresh(person.tokens["refresh_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_refresh_token")
    # auth itself asks its own table, so its routes refuse at once what the gateway may still remember
    assert visitor.me(person.token).status_code == 401


def test_after_a_restart_of_auth_sessions_go_on_and_ended_ones_stay_ended(stack: Stack, visitor: Visitor) -> None:
    going_on, ended = visitor.guest(), visitor.guest()
    spent, good = going_on.tokens["refresh_token"], visitor.refresh(going_on.tokens["refresh_token"]).json()
    visitor.log_out(ended.tokens["refresh_token"])

    stack.restart("auth")

    assert visitor.me(good["access_token"]).status_code == 200
    assert visitor.refresh(good["refresh_token"]).status_code == 200
    assert visitor.refresh(ended.tokens["refresh_token"]).status_code == 401
    assert visitor.me(ended.token).status_code == 401
    assert visitor.refresh(spent).status_code == 401  # what was spent stays spent too
    assert visitor.refresh(good["refresh_token"]).status_code == 401


def test_tokens_are_good_for_their_own_purpose_only(visitor: Visitor) -> None:
    person, other = visitor.account(), visitor.account()
    session, counter, proof = person.tokens["refresh_token"].split(".")
    another = other.tokens["refresh_token"].split(".")

    wrong = [
        f"{session}.{counter}.{another[2]}",
        f"{another[0]}.{counter}.{proof}",
        f"{session}.{int(counter) + 1}.{proof}",
        f"{session}.0{counter}.{proof}",
        f"{session}.{counter}.{proof}.",
        f"{session}.{counter}.",
        session,
        "",
    ]

    assert {visitor.refresh(token).status_code for token in wrong} == {401}
    assert visitor.refresh(person.token).status_code == 422  # longer than any refresh token
    assert visitor.me(person.tokens["refresh_token"]).status_code == 401
    assert visitor.refresh(person.tokens["refresh_token"]).status_code == 200  # guessing has ended nothing


def test_anothers_session_is_neither_seen_nor_ended(visitor: Visitor) -> None:
    ada, eve = visitor.account(), visitor.account()
    [session] = ada.get("/v1/auth/sessions")["data"]

    refused = eve.http.delete(f"/v1/auth/sessions/{session['id']}")
    unknown = eve.http.delete(f"/v1/auth/sessions/{session['id'][:-4]}0000")
    eve.http.delete("/v1/auth/sessions", params={"keep_current": "true"}).raise_for_status()

    assert (refused.status_code, refused.json()["code"]) == (404, "session_not_found")
    assert unknown.status_code == 404
    assert session["id"] not in eve.http.get("/v1/auth/sessions").text
    assert visitor.me(ada.token).status_code == 200
    assert visitor.refresh(ada.tokens["refresh_token"]).status_code == 200
