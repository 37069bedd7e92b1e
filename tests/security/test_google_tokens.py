"""Attack group C: a Google ID token signs in here once, if Google made it for us, now."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dev.fake_google import CLIENT_ID, FakeGoogle, SigningKey
from dev.stack import Stack

from .people import PASSWORD
from .visitors import Visitor, at_once, fresh_email


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Iterator[Visitor]:
    with Visitor(stack) as client:
        yield client


def present(visitor: Visitor, id_token: str) -> httpx.Response:
    return visitor.post("/v1/auth/google", json={"id_token": id_token})


def nonce(visitor: Visitor) -> str:
    return str(visitor.post("/v1/auth/google/nonce").raise_for_status().json()["nonce"])


def assert_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_google_token")


def test_a_token_with_our_nonce_signs_in_once(visitor: Visitor, google: FakeGoogle) -> None:
    token = google.id_token(uuid4().hex, nonce=nonce(visitor))

    assert present(visitor, token).status_code == 200
    assert_refused(present(visitor, token))


def test_a_nonce_is_good_for_one_token_only(visitor: Visitor, google: FakeGoogle) -> None:
    ours, subject = nonce(visitor), uuid4().hex
    first, second = google.id_token(subject, nonce=ours), google.id_token(subject, nonce=ours, sub=uuid4().hex)

    assert present(visitor, first).status_code == 200
    assert_refused(present(visitor, second))


@pytest.mark.parametrize("made_up", ["a" * 43, "%", "' or ''='", " "])
def test_a_nonce_that_we_did_not_give_is_refused(made_up: str, visitor: Visitor, google: FakeGoogle) -> None:
    assert_refused(present(visitor, google.id_token(uuid4().hex, nonce=made_up)))


def test_a_token_without_a_nonce_signs_in_once(visitor: Visitor, google: FakeGoogle) -> None:
    token = google.id_token(uuid4().hex)

    answers = at_once(20, lambda _: present(visitor, token))

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 19


OTHERS: dict[str, dict[str, Any]] = {
    "for another client": {"aud": "another.apps.googleusercontent.com", "azp": "another.apps.googleusercontent.com"},
    "for several clients": {"aud": [CLIENT_ID, "another.apps.googleusercontent.com"]},
    "for us, given to another": {"azp": "another.apps.googleusercontent.com"},
    "for nobody": {"aud": None},
    "by another issuer": {"iss": "https://accounts.google.com.evil.example"},
    "by nobody": {"iss": None},
    "of yesterday": {"iat": int(time.time()) - 90_000, "exp": int(time.time()) - 86_400},
    "of tomorrow": {"iat": int(time.time()) + 86_400, "exp": int(time.time()) + 90_000},
    "without an end": {"exp": None},
    "of nobody": {"sub": None},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_token_that_is_not_for_us_now_is_refused(kind: str, visitor: Visitor, google: FakeGoogle) -> None:
    claims = {"nonce": nonce(visitor), **OTHERS[kind]}
    subject = claims.pop("sub", uuid4().hex)

    assert_refused(present(visitor, google.id_token(subject, **claims)))


def test_a_token_that_google_did_not_sign_is_refused(visitor: Visitor, google: FakeGoogle) -> None:
    own = SigningKey()
    genuine = google.id_token(uuid4().hex, nonce=nonce(visitor))
    head, claims, signature = genuine.split(".")
    _, other_claims, _ = google.id_token(uuid4().hex).split(".")

    for forged in (
        google.id_token(uuid4().hex, key=own),
        google.id_token(uuid4().hex, key=own, header={"kid": google.keys[0].kid}),
        google.id_token(uuid4().hex, key=own, header={"kid": google.keys[0].kid, "jku": "http://127.0.0.1:1/"}),
        f"{head}.{other_claims}.{signature}",
        f"{head}.{claims}.",
        visitor.guest().token,
    ):
        assert_refused(present(visitor, forged))
    assert present(visitor, genuine).status_code == 200


def test_another_google_account_is_linked_from_inside_only_with_the_password(
    visitor: Visitor, google: FakeGoogle
) -> None:
    owner, thief = visitor.account(), google.id_token(uuid4().hex, email=fresh_email(), email_verified=True)

    without = owner.http.post("/v1/auth/google/link", json={"id_token": thief})
    wrong = owner.http.post("/v1/auth/google/link", json={"id_token": thief, "password": "not the passphrase"})
    anonymous = visitor.post("/v1/auth/google/link", json={"id_token": thief, "password": PASSWORD})

    assert [answer.status_code for answer in (without, wrong, anonymous)] == [403, 403, 401]
    assert owner.get("/v1/auth/identities")["data"] == []
