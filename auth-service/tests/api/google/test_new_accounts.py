"""What a new account takes over from Google, and that nobody gets into another one by its address."""

from pathlib import Path
from typing import Any

import pytest

from auth_service.opaque_tokens import hash_of
from dev.fake_google import FakeGoogle

from ...conftest import PASSWORD, refusal
from ...kept import Kept
from .conftest import GoogleClient, StartGoogle


def test_whoever_is_new_gets_an_account_with_what_google_says(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str, email: str
) -> None:
    picture = "https://lh3.googleusercontent.com/a/ACg8oc=s96-c"

    answer = auth.google(google.id_token(subject, email=email, email_verified=True, name="Ada", picture=picture))

    assert answer.status_code == 200
    user = answer.json()["user"]
    assert (user["email"], user["email_verified"], user["username"]) == (email, True, "Ada")
    assert (user["picture"], user["role"]) == (picture, "user")
    assert auth.me(answer.json()["access_token"]).json() == user
    assert auth.refresh(answer.json()["refresh_token"]).status_code == 200
    assert kept.events(user["id"])[:1] == ["signed_up"]


@pytest.mark.parametrize("verified", [False, None, "false", "TRUE", 1, "yes"])
def test_an_address_that_google_has_not_verified_is_not_taken_over(
    auth: GoogleClient, google: FakeGoogle, subject: str, email: str, verified: Any
) -> None:
    answer = auth.google(google.id_token(subject, email=email, email_verified=verified)).json()

    assert (answer["user"]["email"], answer["user"]["email_verified"]) == (None, False)
    assert auth.sign_up(email)["user"]["email"] == email


def test_google_may_write_true_as_text(auth: GoogleClient, google: FakeGoogle, subject: str, email: str) -> None:
    answer = auth.google(google.id_token(subject, email=email, email_verified="true")).json()

    assert (answer["user"]["email"], answer["user"]["email_verified"]) == (email, True)


@pytest.mark.parametrize(
    "address", ["no address", "ada@example.org\r\nbcc: eve@example.org", "a\0@example.org", 7, ["a@b.c"]]
)
def test_what_is_no_address_is_left_out(auth: GoogleClient, google: FakeGoogle, subject: str, address: Any) -> None:
    answer = auth.google(google.id_token(subject, email=address, email_verified=True))

    assert answer.status_code == 200
    assert answer.json()["user"]["email"] is None


@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Ada\0\r\nSet-Cookie: x", "Ada Set-Cookie: x"),
        ("\u202eevE", "evE"),
        ("A" * 100, "A" * 64),
        ("e\u0301ve", "éve"),
        ("", "Google user"),
        ("\u200b\u200b", "Google user"),
        (None, "Google user"),
        (7, "Google user"),
    ],
)
def test_a_name_is_made_to_fit(
    auth: GoogleClient, google: FakeGoogle, subject: str, name: object, username: str
) -> None:
    answer = auth.google(google.id_token(subject, name=name))

    assert answer.json()["user"]["username"] == username


def test_without_a_name_the_address_gives_one(auth: GoogleClient, google: FakeGoogle, subject: str, email: str) -> None:
    answer = auth.google(google.id_token(subject, email=email, email_verified=True))

    assert answer.json()["user"]["username"] == email.partition("@")[0]


@pytest.mark.parametrize(
    "picture",
    ["http://example.org/a.png", "javascript:alert(1)", "https://example.org/\"><script>", "//example.org/a", 7,
     "https://example.org@evil.example/a", "https://example.org/" + "a" * 2000, "https://example.org/a\nb"],
)  # fmt: skip
def test_a_picture_that_is_no_plain_https_address_is_left_out(
    auth: GoogleClient, google: FakeGoogle, subject: str, picture: object
) -> None:
    answer = auth.google(google.id_token(subject, picture=picture))

    assert answer.status_code == 200
    assert answer.json()["user"]["picture"] is None


def test_the_address_of_a_password_account_opens_nothing_and_links_nothing(
    auth: GoogleClient, google: FakeGoogle, subject: str, email: str
) -> None:
    owner = auth.sign_up(email)

    answer = auth.google(google.id_token(subject, email=email.upper(), email_verified=True))

    assert refusal(answer) == (409, "email_taken")
    assert "link" in answer.json()["detail"]
    assert auth.identities(owner) == []
    assert auth.log_in(email).status_code == 200


def test_an_account_begun_with_a_victims_address_does_not_get_the_victims_google(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str, email: str
) -> None:
    attacker = auth.sign_up(email)
    victim = google.id_token(subject, email=email, email_verified=True)

    answer = auth.google(victim)

    assert refusal(answer) == (409, "email_taken")
    assert kept.value("select count(*) from identities where subject = ?", subject) == 0
    assert auth.me(attacker["access_token"]).json()["email_verified"] is False


def test_a_google_account_with_a_victims_unverified_address_does_not_keep_the_victim_out(
    auth: GoogleClient, google: FakeGoogle, subject: str, email: str
) -> None:
    attacker = auth.google(google.id_token(subject, email=email, email_verified=False)).json()

    victim = auth.google(google.id_token(f"{subject}0", email=email, email_verified=True)).json()

    assert victim["user"]["email"] == email
    assert victim["user"]["id"] != attacker["user"]["id"]


def test_a_token_that_was_refused_for_its_address_is_still_good_for_linking(
    auth: GoogleClient, google: FakeGoogle, subject: str, email: str
) -> None:
    owner = auth.sign_up(email)
    id_token = google.id_token(subject, email=email, email_verified=True, nonce=auth.nonce())
    assert auth.google(id_token).status_code == 409

    linked = auth.link(owner, id_token, password=PASSWORD)

    assert linked.status_code == 204


def test_a_google_account_has_no_password_to_log_in_with(
    auth: GoogleClient, google: FakeGoogle, subject: str, email: str
) -> None:
    auth.google(google.id_token(subject, email=email, email_verified=True)).raise_for_status()

    answers = [auth.log_in(email, password) for password in (PASSWORD, "", "None")]

    assert {refusal(answer) for answer in answers} == {(401, "invalid_credentials")}


def test_sign_ups_that_wait_for_an_address_end_when_google_verifies_it(
    start_google: StartGoogle, own_google: FakeGoogle, tmp_path: Path, email: str
) -> None:
    waiting = "select count(*) from pending_sign_ups where email = ?"
    with start_google(email_verification="required") as auth:
        auth.post("/v1/auth/signup", json={"email": email, "password": PASSWORD, "username": "Eve"}).raise_for_status()
        before = Kept(tmp_path).value(waiting, email)
        user = auth.google(own_google.id_token("1", email=email, email_verified=True)).json()["user"]

    assert user["email"] == email
    assert (before, Kept(tmp_path).value(waiting, email)) == (1, 0)


def test_where_sign_up_is_closed_only_those_with_an_account_come_in(
    start_google: StartGoogle, own_google: FakeGoogle
) -> None:
    with start_google() as auth:
        known = auth.google(own_google.id_token("1")).json()["user"]["id"]
    with start_google(signup="closed") as auth:
        again, new = auth.google(own_google.id_token("1")), auth.google(own_google.id_token("2"))

    assert again.json()["user"]["id"] == known
    assert refusal(new) == (403, "sign_up_closed")


def test_where_sign_up_is_by_invitation_a_new_account_needs_one(
    start_google: StartGoogle, own_google: FakeGoogle, tmp_path: Path
) -> None:
    with start_google(signup="invite") as auth:
        invite = "insert into invitations (hash, email, created_at, expires_at) values (?, ?, 0, 9999999999)"
        Kept(tmp_path).change(invite, hash_of("anyone"), None)
        Kept(tmp_path).change(invite, hash_of("for ada"), "ada@example.org")
        ada: dict[str, Any] = {"email": "ada@example.org"}

        without = auth.google(own_google.id_token("1"))
        not_verified = auth.google(own_google.id_token("2", **ada), invitation="for ada")
        verified = auth.google(own_google.id_token("3", **ada, email_verified=True), invitation="for ada")
        used = auth.google(own_google.id_token("4"), invitation="for ada")
        anyone = auth.google(own_google.id_token("5"), invitation="anyone")

    assert refusal(without) == refusal(not_verified) == refusal(used) == (403, "invalid_invitation")
    assert verified.status_code == anyone.status_code == 200


def test_new_accounts_and_nonces_are_counted_for_each_address(
    start_google: StartGoogle, own_google: FakeGoogle
) -> None:
    with start_google(sign_ups_per_address_per_hour=1, google_nonces_per_address_per_hour=2) as auth:
        first, second = auth.google(own_google.id_token("1")), auth.google(own_google.id_token("2"))
        again = auth.google(own_google.id_token("1", jti="another"))
        nonces = [auth.post("/v1/auth/google/nonce") for _ in range(3)]

    assert first.status_code == again.status_code == 200
    assert refusal(second) == (429, "too_many_attempts")
    assert [answer.status_code for answer in nonces] == [200, 200, 429]
    assert int(nonces[2].headers["retry-after"]) > 0
