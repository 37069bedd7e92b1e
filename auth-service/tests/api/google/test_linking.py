"""Linking a Google account from inside, and giving it up."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dev.fake_google import FakeGoogle

from ...conftest import PASSWORD, bearer, refusal
from ...kept import Kept
from .conftest import GoogleClient


@pytest.fixture
def tokens(auth: GoogleClient, email: str) -> dict[str, Any]:
    return auth.sign_up(email)


def test_a_linked_google_account_signs_in_to_the_account(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, tokens: dict[str, Any], subject: str
) -> None:
    linked = auth.link(tokens, google.id_token(subject, email="ada@gmail.example"), password=PASSWORD)

    assert linked.status_code == 204
    signed_in = auth.google(google.id_token(subject))
    assert signed_in.json()["user"] == tokens["user"]
    assert kept.events(tokens["user"]["id"]) == ["signed_up", "google_linked", "signed_in"]


def test_the_account_lists_what_is_linked(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    auth.link(tokens, google.id_token(subject, email="Ada@gmail.example"), password=PASSWORD)

    page = auth.get("/v1/auth/identities", headers=bearer(tokens)).json()

    assert (page["object"], page["has_more"], page["first_id"]) == ("list", False, page["data"][0]["id"])
    [identity] = page["data"]
    assert set(identity) == {"id", "object", "provider", "email", "created_at"}
    assert (identity["provider"], identity["email"]) == ("google", "ada@gmail.example")


def test_nothing_linked_is_an_empty_list(auth: GoogleClient, tokens: dict[str, Any]) -> None:
    assert auth.identities(tokens) == []


def test_linking_ones_own_again_changes_nothing(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    first = auth.link(tokens, google.id_token(subject), password=PASSWORD)
    before = auth.identities(tokens)

    second = auth.link(tokens, google.id_token(subject), password=PASSWORD)

    assert (first.status_code, second.status_code) == (204, 204)
    assert auth.identities(tokens) == before


def test_a_google_account_belongs_to_one_account(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    owner = auth.google(google.id_token(subject)).json()

    answer = auth.link(tokens, google.id_token(subject), password=PASSWORD)

    assert refusal(answer) == (409, "google_account_taken")
    assert auth.google(google.id_token(subject)).json()["user"]["id"] == owner["user"]["id"]


def test_an_account_has_one_google_account(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    auth.link(tokens, google.id_token(subject), password=PASSWORD).raise_for_status()

    answer = auth.link(tokens, google.id_token(f"{subject}0"), password=PASSWORD)

    assert refusal(answer) == (409, "google_already_linked")
    assert len(auth.identities(tokens)) == 1


def test_two_accounts_that_link_one_google_account_at_once_do_not_both_get_it(
    auth: GoogleClient, google: FakeGoogle, subject: str
) -> None:
    accounts = [auth.sign_up() for _ in range(6)]
    id_tokens = [google.id_token(subject, jti=str(number)) for number in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda pair: auth.link(*pair, password=PASSWORD), zip(accounts, id_tokens, strict=True))
        )

    assert sorted(answer.status_code for answer in answers) == [204] + [409] * 5
    assert sum(len(auth.identities(account)) for account in accounts) == 1


@pytest.mark.parametrize("password", ["another password", "", None])
def test_linking_takes_the_password_and_a_wrong_one_does_not_spend_the_token(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str, password: str | None
) -> None:
    id_token = google.id_token(subject)

    refused = auth.link(tokens, id_token, password=password)
    accepted = auth.link(tokens, id_token, password=PASSWORD)

    assert refusal(refused) == (403, "wrong_password")
    assert accepted.status_code == 204


def test_a_token_that_linked_does_not_sign_in_too(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    with_nonce, without = google.id_token(subject, nonce=auth.nonce()), google.id_token(subject)
    for id_token in (with_nonce, without):
        auth.link(tokens, id_token, password=PASSWORD).raise_for_status()

    answers = [auth.google(id_token) for id_token in (with_nonce, without)]

    assert {refusal(answer) for answer in answers} == {(422, "invalid_google_token")}


def test_a_session_that_ends_while_it_links_does_not_link(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, tokens: dict[str, Any], subject: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with kept.changing() as change:
            linking = pool.submit(auth.link, tokens, google.id_token(subject), password=PASSWORD)
            time.sleep(0.5)  # it has been confirmed, and waits to write
            change("update sessions set ended_at = 1 where user_id = ?", (tokens["user"]["id"],))
        answer = linking.result()

    assert refusal(answer) == (401, "invalid_token")
    assert kept.value("select count(*) from identities where subject = ?", subject) == 0


def test_a_forged_token_links_nothing(
    auth: GoogleClient, google: FakeGoogle, tokens: dict[str, Any], subject: str
) -> None:
    answer = auth.link(tokens, google.id_token(subject, aud="4711"), password=PASSWORD)

    assert refusal(answer) == (422, "invalid_google_token")
    assert auth.identities(tokens) == []


def test_without_a_password_a_fresh_sign_in_confirms(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str
) -> None:
    tokens = auth.google(google.id_token(subject)).json()

    fresh = auth.link(tokens, google.id_token(subject))
    kept.change("update sessions set created_at = created_at - 601 where user_id = ?", tokens["user"]["id"])
    stale = auth.link(tokens, google.id_token(subject))

    assert fresh.status_code == 204
    assert refusal(stale) == (403, "reauthentication_required")


def test_after_unlinking_google_opens_nothing(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, tokens: dict[str, Any], email: str, subject: str
) -> None:
    auth.link(tokens, google.id_token(subject), password=PASSWORD).raise_for_status()

    answer = auth.unlink(tokens)

    assert answer.status_code == 204
    assert auth.identities(tokens) == []
    signed_in = auth.google(google.id_token(subject, email=email, email_verified=True))
    assert refusal(signed_in) == (409, "email_taken")
    assert kept.events(tokens["user"]["id"]) == ["signed_up", "google_linked", "google_unlinked"]


def test_a_google_account_that_is_given_up_while_it_signs_in_does_not_enter(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, tokens: dict[str, Any], subject: str
) -> None:
    auth.link(tokens, google.id_token(subject), password=PASSWORD).raise_for_status()

    with ThreadPoolExecutor(1) as pool:
        with kept.changing() as change:
            signing_in = pool.submit(auth.google, google.id_token(subject))
            time.sleep(0.5)  # it has read whose Google account it is, and waits to write
            change("delete from identities where subject = ?", (subject,))
        answer = signing_in.result()

    assert answer.json()["user"]["id"] != tokens["user"]["id"]


def test_unlinking_where_nothing_is_linked_changes_nothing(
    auth: GoogleClient, kept: Kept, tokens: dict[str, Any]
) -> None:
    answer = auth.unlink(tokens)

    assert answer.status_code == 204
    assert kept.events(tokens["user"]["id"]) == ["signed_up"]


def test_the_only_way_to_sign_in_is_not_given_up(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    tokens = auth.google(google.id_token(subject)).json()

    answer = auth.unlink(tokens)

    assert refusal(answer) == (409, "last_way_to_sign_in")
    assert len(auth.identities(tokens)) == 1


def test_guests_have_nothing_to_link(auth: GoogleClient, google: FakeGoogle) -> None:
    guest = auth.guest()

    answers = [
        auth.link(guest, google.id_token()),
        auth.unlink(guest),
        auth.get("/v1/auth/identities", headers=bearer(guest)),
    ]

    assert {refusal(answer) for answer in answers} == {(403, "forbidden")}


def test_nobody_links_without_being_signed_in(auth: GoogleClient, google: FakeGoogle) -> None:
    answer = auth.post("/v1/auth/google/link", json={"id_token": google.id_token(), "password": PASSWORD})

    assert refusal(answer) == (401, "invalid_token")


def test_an_account_that_is_gone_links_nothing(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    tokens = auth.sign_up()
    auth.post("/v1/auth/deletion", json={"password": PASSWORD}, headers=bearer(tokens)).raise_for_status()

    answer = auth.link(tokens, google.id_token(subject), password=PASSWORD)

    assert answer.status_code == 401
