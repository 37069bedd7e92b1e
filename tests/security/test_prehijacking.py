"""Attack group C: who made an account, or reached for it, before its owner came has nothing of it afterwards.

The five variants of Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022).
"""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from chassis.testing import eventually
from dev.fake_google import FakeGoogle
from dev.stack import Stack

from .mailbox import Mailbox
from .people import PASSWORD, Person
from .visitors import Visitor, anywhere, fresh_email

OF_THE_OWNER = "the owner's own passphrase"


@pytest.fixture(scope="module")
def open_door(stack: Stack) -> Iterator[Visitor]:
    """Where addresses are not verified."""
    with Visitor(stack) as visitor:
        yield visitor


@pytest.fixture
def guarded_door(careful: Stack) -> Iterator[Visitor]:
    """Where they are."""
    with Visitor(careful, anywhere()) as visitor:
        yield visitor


@pytest.fixture
def email() -> str:
    """The owner's address, which the attacker knows."""
    return fresh_email()


def by_google(door: Visitor, google: FakeGoogle, subject: str, email: str, *, verified: bool = True) -> httpx.Response:
    token = google.id_token(subject, email=email, email_verified=verified)
    return door.post("/v1/auth/google", json={"id_token": token})


def take_over(stack: Stack, door: Visitor, email: str) -> Person:
    """The owner of the mailbox finds an account there, and makes it theirs as the sign-in page tells them."""
    door.forget(email).raise_for_status()
    door.reset(Mailbox(stack).token("reset_password", email), OF_THE_OWNER).raise_for_status()
    return door.signed_in(email, OF_THE_OWNER)


def test_classic_and_federated_accounts_of_one_address_are_not_joined(
    open_door: Visitor, google: FakeGoogle, email: str
) -> None:
    attacker = open_door.account(email)

    owner = by_google(open_door, google, uuid4().hex, email)

    assert (owner.status_code, owner.json()["code"]) == (409, "email_taken")
    assert "access_token" not in owner.json()
    assert attacker.get("/v1/auth/identities")["data"] == []


def test_a_sign_up_that_nobody_confirmed_does_not_reach_into_the_owners_federated_account(
    careful: Stack, guarded_door: Visitor, google: FakeGoogle, email: str
) -> None:
    guarded_door.sign_up(email, "a passphrase of the attacker")
    link = Mailbox(careful).token("sign_up", email)

    owner = guarded_door.became(by_google(guarded_door, google, uuid4().hex, email))
    later = guarded_door.post("/v1/auth/verify-email", json={"token": link})

    assert owner.get("/v1/auth/me")["email"] == email
    assert guarded_door.log_in(email, "a passphrase of the attacker").status_code == 401
    assert later.status_code in (409, 422)


def test_an_attackers_session_does_not_outlive_the_owners_reset(stack: Stack, open_door: Visitor, email: str) -> None:
    attacker = open_door.account(email)
    elsewhere = open_door.signed_in(email)

    owner = take_over(stack, open_door, email)

    for session in (attacker, elsewhere):
        assert open_door.refresh(session.tokens["refresh_token"]).status_code == 401
        assert open_door.me(session.token).status_code == 401
    assert open_door.log_in(email, PASSWORD).status_code == 401
    assert owner.get("/v1/auth/me")["email_verified"]


def test_no_trojan_identifier_stays_behind_the_owners_reset(
    stack: Stack, open_door: Visitor, google: FakeGoogle, email: str
) -> None:
    attacker, subject = open_door.account(email), uuid4().hex
    token = google.id_token(subject, email=fresh_email(), email_verified=True)
    attacker.http.post("/v1/auth/google/link", json={"id_token": token, "password": PASSWORD}).raise_for_status()
    key = attacker.post("/v1/auth/keys", json={"name": "a back door", "scopes": ["chat:read"]})["key"]

    owner = take_over(stack, open_door, email)
    again = open_door.became(by_google(open_door, google, subject, fresh_email()))

    assert owner.get("/v1/auth/identities")["data"] == []
    assert owner.get("/v1/auth/keys")["data"] == []
    assert again.id != owner.id
    with_key = {"authorization": f"Bearer {key}"}
    assert eventually(lambda: open_door.get("/v1/conversations", headers=with_key).status_code == 401)


def test_a_change_of_address_that_was_begun_earlier_is_not_finished_behind_the_owner(
    careful: Stack, guarded_door: Visitor, email: str
) -> None:
    attacker = guarded_door.account()
    attacker.http.post("/v1/auth/email", json={"email": email, "password": PASSWORD}).raise_for_status()
    link = Mailbox(careful).token("change_email", email)

    owner = guarded_door.account(email, OF_THE_OWNER)
    finished = guarded_door.post("/v1/auth/email/confirm", json={"token": link})

    assert finished.status_code in (409, 422)
    assert owner.get("/v1/auth/me")["email"] == email
    assert attacker.get("/v1/auth/me")["email"] == attacker.email
    assert guarded_door.signed_in(email, OF_THE_OWNER).id == owner.id


def test_a_change_away_from_the_owners_address_is_called_off_by_the_owners_reset(
    careful: Stack, guarded_door: Visitor, email: str
) -> None:
    account, attackers_own = guarded_door.account(email), fresh_email()
    account.http.post("/v1/auth/email", json={"email": attackers_own, "password": PASSWORD}).raise_for_status()
    link = Mailbox(careful).token("change_email", attackers_own)

    owner = take_over(careful, guarded_door, email)
    finished = guarded_door.post("/v1/auth/email/confirm", json={"token": link})

    assert finished.status_code == 422
    assert owner.get("/v1/auth/me")["email"] == email


def test_an_identity_provider_that_did_not_verify_an_address_gives_nobody_that_address(
    open_door: Visitor, google: FakeGoogle, email: str
) -> None:
    subject = uuid4().hex

    attacker = open_door.became(by_google(open_door, google, subject, email, verified=False))
    owner = open_door.account(email)

    assert attacker.get("/v1/auth/me")["email"] is None
    assert owner.id != attacker.id
    again = open_door.became(by_google(open_door, google, subject, email, verified=False))
    assert again.id == attacker.id
