"""Where addresses are verified, an account begins with a mail, and whether one has begun stays with its mailbox."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ...conftest import PASSWORD, Clock, fresh_email, refusal
from .conftest import MailClient, StartMail
from .letterbox import text_of
from .requests import NEW_PASSWORD, change_password, sign_up, verified, verify

DAY = 86_400


def test_a_sign_up_sends_a_link_and_the_link_signs_in(verifying: MailClient, email: str) -> None:
    answer = sign_up(verifying, email)

    assert answer.status_code == 202
    assert answer.json() == {"object": "sign_up", "status": "verification_sent", "email": email}
    tokens = verify(verifying, verifying.letters.token(email)).json()
    assert (tokens["user"]["email"], tokens["user"]["email_verified"], tokens["user"]["username"]) == (
        email,
        True,
        "Ada",
    )
    assert verifying.me(tokens["access_token"]).json() == tokens["user"]
    assert verifying.log_in(email).status_code == 200


def test_the_link_leads_to_the_operators_front_end_whatever_host_the_request_named(
    verifying: MailClient, email: str
) -> None:
    body = {"email": email, "password": PASSWORD, "username": "Ada"}
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "origin": "https://evil.example"}

    verifying.post("/v1/auth/signup", json=body, headers=forged)

    (message,) = verifying.letters.to(email)
    assert (
        f"https://chat.example.org/verify-email?token={verifying.letters.token(email)}" in text_of(message).splitlines()
    )
    assert "evil" not in message.as_string()


def test_no_row_is_an_account_before_the_link_was_followed(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)
    verifying.letters.settled()

    assert verifying.letters.rows("select id from users where email = ?", email) == []
    assert len(verifying.letters.rows("select id from pending_sign_ups where email = ?", email)) == 1


def test_a_taken_and_a_free_address_are_answered_alike_and_only_the_mail_differs(
    verifying: MailClient, email: str
) -> None:
    verified(verifying, email)
    free = fresh_email()

    answers = [sign_up(verifying, address, NEW_PASSWORD) for address in (email, free)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert {**answers[0].json(), "email": free} == answers[1].json()
    assert set(answers[0].headers) == set(answers[1].headers)
    assert verifying.letters.subjects(email)[-1] == "you have an account already"
    assert verifying.letters.subjects(free) == ["confirm your e-mail address"]
    assert [verifying.log_in(address, NEW_PASSWORD).status_code for address in (email, free)] == [403, 403]
    assert verifying.log_in(email).status_code == 200


def test_a_mail_about_a_taken_address_has_no_link(verifying: MailClient, email: str) -> None:
    verified(verifying, email)

    sign_up(verifying, email, NEW_PASSWORD)

    assert "token" not in text_of(verifying.letters.to(email)[-1])
    assert verifying.letters.rows("select hash from mail_tokens where email = ?", email) == []


def test_a_link_is_good_once(verifying: MailClient, email: str) -> None:
    verified(verifying, email)

    again = verify(verifying, verifying.letters.token(email))

    assert refusal(again) == (422, "invalid_mail_token")


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "\0" * 43, "' or 1=1 --"])
def test_what_is_no_token_of_ours_is_refused(verifying: MailClient, token: str) -> None:
    assert refusal(verify(verifying, token)) == (422, "invalid_mail_token")


def test_a_link_ends_after_a_day_and_another_can_be_had(start_mail: StartMail, clock: Clock, email: str) -> None:
    with start_mail(email_verification="required") as auth:
        sign_up(auth, email)
        old = auth.letters.token(email)
        clock.ahead += DAY + 5

        refused = verify(auth, old)
        auth.post("/v1/auth/verify-email/resend", json={"email": email})

        assert refusal(refused) == (422, "invalid_mail_token")
        assert verify(auth, auth.letters.token(email)).status_code == 200


def test_a_sign_up_that_nobody_verifies_ends(start_mail: StartMail, clock: Clock, email: str) -> None:
    with start_mail(email_verification="required") as auth:
        sign_up(auth, email)
        auth.letters.settled()
        clock.ahead += 3 * DAY + 5

        auth.post("/v1/auth/verify-email/resend", json={"email": email})

        assert auth.letters.subjects(email) == ["confirm your e-mail address"]
        assert refusal(auth.log_in(email)) == (401, "invalid_credentials")


def test_of_two_sign_ups_verified_at_once_one_becomes_the_account(verifying: MailClient, email: str) -> None:
    tokens = {}
    for password in (PASSWORD, NEW_PASSWORD):
        sign_up(verifying, email, password)
        tokens[password] = verifying.letters.token(email)

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(tokens, pool.map(lambda token: verify(verifying, token), tokens.values()), strict=True))

    winner, loser = sorted(answers, key=lambda password: answers[password].status_code)
    assert answers[winner].status_code == 200
    assert refusal(answers[loser]) == (422, "invalid_mail_token")
    assert [verifying.log_in(email, password).status_code for password in (winner, loser)] == [401, 401]
    for table in ("pending_sign_ups", "mail_tokens"):
        assert verifying.letters.rows(f"select email from {table} where email = ?", email) == []


def test_an_unverified_sign_up_keeps_nobody_out(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email, NEW_PASSWORD)

    tokens = verified(verifying, email)

    assert tokens["user"]["email"] == email
    assert change_password(verifying, tokens, PASSWORD, current_password=None).status_code == 204
    assert [verifying.log_in(email, password).status_code for password in (PASSWORD, NEW_PASSWORD)] == [200, 401]


def test_a_stranger_who_signs_up_first_and_uses_up_the_mails_has_no_password_to_the_account(
    start_mail: StartMail, email: str
) -> None:
    with start_mail(email_verification="required", mails_per_mailbox_per_hour=5) as auth:
        for _ in range(5):
            sign_up(auth, email, NEW_PASSWORD)
        sign_up(auth, email)

        tokens = verify(auth, auth.letters.token(email)).json()  # a mail that the stranger's sign-up brought

        assert tokens["user"]["email"] == email
        assert refusal(auth.log_in(email, NEW_PASSWORD)) == (401, "invalid_credentials")
        assert change_password(auth, tokens, PASSWORD, current_password=None).status_code == 204
        assert auth.log_in(email).status_code == 200


def test_signing_up_twice_with_the_same_password_is_one_sign_up(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)
    first = verifying.letters.token(email)
    sign_up(verifying, email)

    assert len(verifying.letters.rows("select id from pending_sign_ups where email = ?", email)) == 1
    assert verify(verifying, first).status_code == 200
    assert verifying.log_in(email).status_code == 200


def test_logging_in_before_the_link_is_refused_and_sends_it_again(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)
    first = verifying.letters.token(email)

    refused = verifying.log_in(email)

    assert refusal(refused) == (403, "email_not_verified")
    assert len(verifying.letters.to(email)) == 2
    assert verifying.letters.token(email) != first
    assert verify(verifying, verifying.letters.token(email)).status_code == 200


def test_a_wrong_password_of_a_waiting_sign_up_is_refused_like_any_other(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)

    wrong, unknown = verifying.log_in(email, "four quiet heron"), verifying.log_in(fresh_email())

    assert refusal(wrong) == refusal(unknown) == (401, "invalid_credentials")
    assert len(verifying.letters.to(email)) == 1


def test_a_waiting_sign_up_of_ones_own_does_not_tell_whether_the_address_has_an_account(
    verifying: MailClient, email: str
) -> None:
    verified(verifying, email)
    free = fresh_email()

    answers = []
    for address in (email, free):
        sign_up(verifying, address, NEW_PASSWORD)
        answers.append(refusal(verifying.log_in(address, NEW_PASSWORD)))

    assert answers == [(403, "email_not_verified")] * 2
    assert verifying.letters.subjects(email)[1:] == ["you have an account already"] * 2
    assert verifying.log_in(email).status_code == 200


def test_asking_for_the_mail_again_answers_alike_for_every_address(verifying: MailClient, email: str) -> None:
    verified(verifying, email)
    waiting, unknown = fresh_email(), fresh_email()
    sign_up(verifying, waiting)

    answers = [
        verifying.post("/v1/auth/verify-email/resend", json={"email": address}) for address in (email, waiting, unknown)
    ]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert {answer.json()["status"] for answer in answers} == {"requested"}
    assert verifying.letters.subjects(email)[-1] == "you have an account already"
    assert verifying.letters.subjects(waiting) == ["confirm your e-mail address"] * 2
    assert verifying.letters.subjects(unknown) == []


def test_a_mailbox_is_not_flooded_and_nothing_shows_that(start_mail: StartMail, email: str) -> None:
    with start_mail(email_verification="required", mails_per_mailbox_per_hour=2) as auth:
        answers = [sign_up(auth, email, f"{PASSWORD} {number}") for number in range(4)]

        assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
        assert len(auth.letters.to(email)) == 2
        assert len(auth.letters.rows("select id from pending_sign_ups")) == 4


def test_a_guest_brings_everything_along_when_the_account_begins(verifying: MailClient, email: str) -> None:
    guest = verifying.guest()
    sign_up(verifying, email, guest_token=guest["access_token"])

    answer = verify(verifying, verifying.letters.token(email), guest_token=guest["access_token"])

    assert answer.status_code == 200
    merged = verifying.letters.rows("select merged_into from users where id = ?", guest["user"]["id"])
    assert merged == [(answer.json()["user"]["id"],)]


def test_a_link_stays_good_when_the_guest_token_is_not(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)
    token = verifying.letters.token(email)

    refused = verify(verifying, token, guest_token="nonsense")

    assert refusal(refused) == (422, "invalid_guest_token")
    assert verify(verifying, token).status_code == 200


def test_the_refresh_token_goes_into_the_cookie_when_asked(verifying: MailClient, email: str) -> None:
    sign_up(verifying, email)

    answer = verify(verifying, verifying.letters.token(email), transport="cookie")

    assert answer.json()["refresh_token"] is None
    assert answer.headers["set-cookie"].startswith("__Host-refresh_token=sess_")


def test_an_account_from_before_verification_verifies_its_address_before_it_logs_in(
    start_mail: StartMail, email: str
) -> None:
    with start_mail() as auth:
        auth.sign_up(email)

    with start_mail(email_verification="required") as auth:
        refused = auth.log_in(email)
        wrong = auth.log_in(email, "four quiet heron")
        answer = verify(auth, auth.letters.token(email))
        logged_in = auth.log_in(email)

    assert refusal(refused) == (403, "email_not_verified")
    assert refusal(wrong) == (401, "invalid_credentials")
    assert (answer.status_code, answer.content) == (204, b"")
    assert logged_in.json()["user"]["email_verified"] is True


def test_signing_up_again_verifies_no_account_that_somebody_else_may_have_made(
    start_mail: StartMail, email: str
) -> None:
    with start_mail() as auth:
        auth.sign_up(email, NEW_PASSWORD)

    with start_mail(email_verification="required") as auth:
        sign_up(auth, email)

        assert auth.letters.subjects(email) == ["you have an account already"]


def test_an_address_that_was_taken_meanwhile_is_said_to_who_has_the_mailbox(start_mail: StartMail, email: str) -> None:
    with start_mail(email_verification="required") as auth:
        sign_up(auth, email)
        token = auth.letters.token(email)

    with start_mail() as auth:
        auth.sign_up(email, NEW_PASSWORD)
        answer = verify(auth, token)

    assert refusal(answer) == (409, "email_taken")


@pytest.mark.parametrize(
    ("changes", "code"), [({"password": "short"}, "weak_password"), ({"role": "operator"}, "unknown_parameter")]
)
def test_a_refused_sign_up_sends_nothing(verifying: MailClient, email: str, changes: dict[str, Any], code: str) -> None:
    answer = sign_up(verifying, email, **{"password": PASSWORD, **changes})

    assert answer.json()["code"] == code
    assert verifying.letters.to(email) == []
