"""Signing in with Google: the same account each time, and each ID token is good once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from auth_service.opaque_tokens import hash_of
from dev.fake_google import FakeGoogle

from ...conftest import Client, Clock, bearer, fresh_email, refusal
from ...kept import Kept
from .conftest import OTHER_CLIENT_ID, GoogleClient, StartGoogle


def test_whoever_comes_again_gets_the_same_account(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str
) -> None:
    first = auth.google(google.id_token(subject, name="Ada")).json()

    second = auth.google(google.id_token(subject, name="Countess", email=fresh_email(), email_verified=True)).json()

    assert second["user"] == first["user"]
    assert second["refresh_token"] != first["refresh_token"]
    assert kept.events(first["user"]["id"]) == ["signed_up", "signed_in"]


def test_both_spellings_of_the_issuer_are_the_same_google(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    first = auth.google(google.id_token(subject, iss="accounts.google.com")).json()

    second = auth.google(google.id_token(subject, iss="https://accounts.google.com")).json()

    assert second["user"]["id"] == first["user"]["id"]


def test_an_app_of_ours_may_ask_for_a_token_for_another_app_of_ours(
    auth: GoogleClient, google: FakeGoogle, subject: str
) -> None:
    answer = auth.google(google.id_token(subject, azp=OTHER_CLIENT_ID))

    assert answer.status_code == 200


def test_two_google_accounts_are_two_accounts(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    first = auth.google(google.id_token(subject)).json()

    second = auth.google(google.id_token(f"{subject}0")).json()

    assert second["user"]["id"] != first["user"]["id"]


def test_a_nonce_makes_a_token_good_once(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    id_token = google.id_token(subject, nonce=auth.nonce())

    answers = [auth.google(id_token) for _ in range(2)]

    assert answers[0].status_code == 200
    assert refusal(answers[1]) == (422, "invalid_google_token")


def test_another_token_with_a_used_nonce_is_refused(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    nonce = auth.nonce()
    auth.google(google.id_token(subject, nonce=nonce)).raise_for_status()

    answer = auth.google(google.id_token(subject, nonce=nonce))

    assert refusal(answer) == (422, "invalid_google_token")


def test_nonces_are_long_and_kept_as_hashes_only(auth: GoogleClient, kept: Kept) -> None:
    answer = auth.post("/v1/auth/google/nonce").json()

    assert (len(answer["nonce"]), answer["expires_in"]) == (43, 600)
    assert auth.nonce() != answer["nonce"]
    assert kept.value("select count(*) from google_nonces where hash = ?", hash_of(answer["nonce"])) == 1
    assert kept.value("select count(*) from google_nonces where hash = ?", answer["nonce"].encode()) == 0


def test_a_nonce_is_good_for_ten_minutes(start_google: StartGoogle, own_google: FakeGoogle, clock: Clock) -> None:
    with start_google() as auth:
        first, second = auth.nonce(), auth.nonce()

        clock.ahead = 590
        in_time = auth.google(own_google.id_token("1", nonce=first))
        clock.ahead = 610
        too_late = auth.google(own_google.id_token("2", nonce=second))

    assert in_time.status_code == 200
    assert refusal(too_late) == (422, "invalid_google_token")


def test_old_nonces_and_spent_tokens_do_not_pile_up(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock, tmp_path: Path
) -> None:
    with start_google() as auth:
        for _ in range(3):
            auth.nonce()
        auth.google(own_google.id_token("1", exp=_now(clock) + 60))

        clock.ahead = 700
        auth.nonce()
        auth.google(own_google.id_token("1"))

        assert Kept(tmp_path).value("select count(*) from google_nonces") == 1
        assert Kept(tmp_path).value("select count(*) from spent_id_tokens") == 1


def test_a_token_that_is_forgotten_is_expired_by_the_same_clock(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    with start_google() as auth:
        id_token = own_google.id_token("1")
        auth.google(id_token).raise_for_status()

        clock.ahead = 3600 + 20
        auth.google(own_google.id_token("2", exp=_now(clock) + 60)).raise_for_status()
        again = auth.google(id_token)

    assert refusal(again) == (422, "invalid_google_token")


def test_twenty_uses_of_one_token_at_once_are_one_sign_in(
    auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str
) -> None:
    id_token = google.id_token(subject)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: auth.google(id_token), range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 19
    user_id = next(answer.json()["user"]["id"] for answer in answers if answer.is_success)
    assert kept.value("select count(*) from sessions where user_id = ?", user_id) == 1


def test_twenty_tokens_of_somebody_new_at_once_are_one_account(
    auth: GoogleClient, google: FakeGoogle, subject: str
) -> None:
    id_tokens = [google.id_token(subject, jti=str(number)) for number in range(20)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(auth.google, id_tokens))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1


def test_a_guest_brings_everything_along(auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str) -> None:
    guest = auth.guest()

    answer = auth.google(google.id_token(subject), guest_token=guest["access_token"])

    assert answer.status_code == 200
    user_id = answer.json()["user"]["id"]
    assert kept.value("select merged_into from users where id = ?", guest["user"]["id"]) == user_id
    assert auth.check(guest["access_token"]).status_code == 401


def test_a_bad_guest_token_leaves_the_id_token_unspent(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    id_token = google.id_token(subject)

    refused = auth.google(id_token, guest_token="x.y.z")
    accepted = auth.google(id_token)

    assert refusal(refused) == (422, "invalid_guest_token")
    assert accepted.status_code == 200


def test_in_a_browser_the_refresh_token_can_travel_in_a_cookie(
    auth: GoogleClient, google: FakeGoogle, subject: str
) -> None:
    answer = auth.google(google.id_token(subject), transport="cookie")

    assert answer.json()["refresh_token"] is None
    assert answer.headers["set-cookie"].startswith("__Host-refresh_token=")
    assert "HttpOnly" in answer.headers["set-cookie"]


def test_a_disabled_account_is_not_entered(auth: GoogleClient, google: FakeGoogle, kept: Kept, subject: str) -> None:
    user_id = auth.google(google.id_token(subject)).json()["user"]["id"]
    kept.change("update users set disabled_at = 1 where id = ?", user_id)

    answer = auth.google(google.id_token(subject))

    assert refusal(answer) == (403, "account_disabled")


def test_whoever_deleted_their_account_begins_anew(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    first = auth.google(google.id_token(subject)).json()
    auth.post("/v1/auth/deletion", json={}, headers=bearer(first)).raise_for_status()

    second = auth.google(google.id_token(subject)).json()

    assert second["user"]["id"] != first["user"]["id"]


def test_without_a_client_id_it_is_off(fresh: Client) -> None:
    tokens = fresh.sign_up()
    body = {"id_token": "x.y.z"}

    answers = [
        fresh.post("/v1/auth/google", json=body),
        fresh.post("/v1/auth/google/nonce"),
        fresh.post("/v1/auth/google/link", json=body, headers=bearer(tokens)),
    ]

    assert {refusal(answer) for answer in answers} == {(503, "google_not_configured")}


def _now(clock: Clock) -> int:
    return int(clock())
