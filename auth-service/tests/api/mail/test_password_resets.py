"""Forgotten passwords: alike for every address, good once, and nothing of an impostor survives."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ...conftest import PASSWORD, Clock, bearer, fresh_email, refusal
from .conftest import MailClient, StartMail
from .letterbox import text_of
from .requests import NEW_PASSWORD, change_email, confirm_email, forgot, reset, verified

PRODUCTION: dict[str, Any] = {
    "deepthinks_env": "production",
    "jwt_secret_key": "j" * 40,
    **{f"secret_auth_{name}": "s" * 40 for name in ("chat", "memory", "files", "analytics")},
}


def test_a_reset_sets_the_password_and_ends_every_session(trusting: MailClient, email: str) -> None:
    sessions = [trusting.sign_up(email), trusting.log_in(email).json()]

    asked = forgot(trusting, email)
    answer = reset(trusting, trusting.letters.token(email))

    assert (asked.status_code, answer.status_code, answer.content) == (202, 204, b"")
    assert [trusting.check(tokens["access_token"]).status_code for tokens in sessions] == [401, 401]
    assert [trusting.refresh(tokens["refresh_token"]).status_code for tokens in sessions] == [401, 401]
    assert [trusting.log_in(email, password).status_code for password in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert trusting.letters.subjects(email) == ["reset your password", "your password was reset"]


def test_known_and_unknown_addresses_are_answered_alike(trusting: MailClient, email: str) -> None:
    trusting.sign_up(email)
    unknown = fresh_email()

    answers = [forgot(trusting, address) for address in (email, unknown)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert {**answers[0].json(), "email": unknown} == answers[1].json()
    assert set(answers[0].headers) == set(answers[1].headers)
    assert (len(trusting.letters.to(email)), trusting.letters.to(unknown)) == (1, [])


def test_who_asks_too_often_is_answered_as_before_and_gets_no_more_mail(start_mail: StartMail, email: str) -> None:
    with start_mail(mails_per_mailbox_per_hour=2) as auth:
        auth.sign_up(email)

        answers = [forgot(auth, email) for _ in range(4)]

        assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
        assert len(auth.letters.to(email)) == 2


def test_sign_ups_by_strangers_keep_no_reset_from_a_mailbox(start_mail: StartMail, email: str) -> None:
    with start_mail(email_verification="required", mails_per_mailbox_per_hour=2) as auth:
        verified(auth, email)
        for _ in range(3):
            auth.post("/v1/auth/signup", json={"email": email, "password": NEW_PASSWORD, "username": "Eve"})

        forgot(auth, email)

        assert auth.letters.subjects(email)[-1] == "reset your password"


def test_the_link_leads_to_the_operators_front_end_whatever_host_the_request_named(
    trusting: MailClient, email: str
) -> None:
    trusting.sign_up(email)

    trusting.post("/v1/auth/password/forgot", json={"email": email}, headers={"host": "evil.example"})

    (message,) = trusting.letters.to(email)
    token = trusting.letters.token(email)
    assert f"https://chat.example.org/reset-password?token={token}" in text_of(message).splitlines()
    assert f'href="https://chat.example.org/reset-password?token={token}"' in text_of(message, "html")
    assert "evil" not in message.as_string()


def test_without_a_front_end_the_mail_names_the_call(start_mail: StartMail, email: str) -> None:
    with start_mail(app_url="") as auth:
        auth.sign_up(email)
        forgot(auth, email)

        (message,) = auth.letters.to(email)
        assert f"POST /v1/auth/password/reset with the token {auth.letters.token(email)}" in text_of(message)


def test_of_fifty_resets_with_one_link_one_happens(trusting: MailClient, email: str) -> None:
    trusting.sign_up(email)
    forgot(trusting, email)
    token = trusting.letters.token(email)
    passwords = [f"{NEW_PASSWORD} {number}" for number in range(50)]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda password: reset(trusting, token, password), passwords))

    done = [number for number, answer in enumerate(answers) if answer.status_code == 204]
    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 49
    assert trusting.log_in(email, passwords[done[0]]).status_code == 200


def test_a_link_ends_after_half_an_hour(start_mail: StartMail, clock: Clock, email: str) -> None:
    with start_mail() as auth:
        auth.sign_up(email)
        forgot(auth, email)
        token = auth.letters.token(email)
        clock.ahead += 1805

        assert refusal(reset(auth, token)) == (422, "invalid_mail_token")


def test_a_reset_makes_every_other_link_worthless(verifying: MailClient, email: str) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    change_email(verifying, tokens, wanted)
    links = []
    for _ in range(2):
        forgot(verifying, email)
        links.append(verifying.letters.token(email))

    answers = [reset(verifying, links[1]), reset(verifying, links[0])]

    assert answers[0].status_code == 204
    assert refusal(answers[1]) == (422, "invalid_mail_token")
    assert refusal(confirm_email(verifying, verifying.letters.token(wanted))) == (422, "invalid_mail_token")


def test_a_weak_password_does_not_use_up_the_link(trusting: MailClient, email: str) -> None:
    trusting.sign_up(email)
    forgot(trusting, email)
    token = trusting.letters.token(email)

    refused = [reset(trusting, token, password) for password in ("short", email)]

    assert [refusal(answer) for answer in refused] == [(422, "weak_password")] * 2
    assert reset(trusting, token).status_code == 204


@pytest.mark.parametrize("token", ["", "A" * 43, "é" * 43, "\0", "' or 1=1 --"])
def test_what_is_no_token_of_ours_is_refused(trusting: MailClient, token: str) -> None:
    assert refusal(reset(trusting, token)) == (422, "invalid_mail_token")


def test_nothing_that_an_impostor_attached_to_an_unverified_account_survives_the_reset(
    trusting: MailClient, email: str
) -> None:
    impostor = trusting.sign_up(email)
    body = {"name": "back door", "scopes": ["chat:read"]}
    key = trusting.post("/v1/auth/keys", json=body, headers=bearer(impostor)).json()["key"]
    before = trusting.check(key).status_code
    trusting.letters.change(
        "insert into identities (id, issuer, subject, user_id, created_at)"
        " values (?, 'https://accounts.google.com', ?, ?, 1)",
        email,
        email,
        impostor["user"]["id"],
    )
    forgot(trusting, email)

    reset(trusting, trusting.letters.token(email))

    assert (before, trusting.check(key).status_code) == (204, 401)
    assert trusting.letters.rows("select id from identities where user_id = ?", impostor["user"]["id"]) == []
    assert trusting.check(impostor["access_token"]).status_code == 401
    assert trusting.log_in(email, NEW_PASSWORD).json()["user"]["email_verified"] is True


def test_nor_does_it_when_the_address_was_verified_later_without_a_look_at_the_account(
    start_mail: StartMail, clock: Clock, email: str
) -> None:
    with start_mail() as auth:
        impostor = auth.sign_up(email)
        body = {"name": "back door", "scopes": ["chat:read"]}
        key = auth.post("/v1/auth/keys", json=body, headers=bearer(impostor)).json()["key"]
        auth.post("/v1/auth/verify-email/resend", json={"email": email})
        clock.ahead += 10
        clicked = auth.post("/v1/auth/verify-email", json={"token": auth.letters.token(email)})
        forgot(auth, email)

        reset(auth, auth.letters.token(email))

        assert (clicked.status_code, auth.check(key).status_code) == (204, 401)


def test_the_keys_of_an_owner_who_has_verified_the_address_stay(verifying: MailClient, email: str) -> None:
    owner = verified(verifying, email)
    body = {"name": "my own", "scopes": ["chat:read"]}
    key = verifying.post("/v1/auth/keys", json=body, headers=bearer(owner)).json()["key"]
    forgot(verifying, email)

    reset(verifying, verifying.letters.token(email))

    assert verifying.check(key).status_code == 204


def test_a_link_is_worthless_once_the_account_has_another_address(trusting: MailClient, email: str) -> None:
    tokens = trusting.sign_up(email)
    forgot(trusting, email)
    token = trusting.letters.token(email)
    change_email(trusting, tokens, fresh_email())

    answer = reset(trusting, token)

    assert refusal(answer) == (422, "invalid_mail_token")


def test_a_disabled_account_gets_no_link_and_cannot_use_one(trusting: MailClient, email: str) -> None:
    user = trusting.sign_up(email)["user"]
    forgot(trusting, email)
    token = trusting.letters.token(email)
    trusting.letters.change("update users set disabled_at = 1 where id = ?", user["id"])

    forgot(trusting, email)

    assert trusting.letters.subjects(email) == ["reset your password"]
    assert refusal(reset(trusting, token)) == (422, "invalid_mail_token")


@pytest.mark.parametrize("path", ["/v1/auth/password/forgot", "/v1/auth/verify-email/resend"])
def test_in_production_without_a_mail_server_it_says_so_to_everybody(
    start_mail: StartMail, email: str, path: str
) -> None:
    with start_mail(**PRODUCTION) as auth:
        auth.sign_up(email)

        answers = [auth.post(path, json={"email": address}) for address in (email, fresh_email())]

        assert [refusal(answer) for answer in answers] == [(503, "mail_not_configured")] * 2
        assert not (auth.letters.folder / "mail").exists()


def test_a_full_disk_keeps_nobody_from_resetting(start_mail: StartMail, email: str) -> None:
    with start_mail() as auth:
        auth.sign_up(email)
        forgot(auth, email)
        token = auth.letters.token(email)

    with start_mail(storage_reserve_bytes=10**18) as auth:
        assert reset(auth, token).status_code == 204
