"""Changing password and e-mail address: confirmed, felt at once everywhere else, and never by a link that is stale."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ...conftest import PASSWORD, Client, Clock, bearer, fresh_email, refusal
from .conftest import MailClient, StartMail
from .letterbox import text_of, token_in
from .requests import (
    NEW_PASSWORD,
    change_email,
    change_password,
    confirm_email,
    forgot,
    reset,
    sign_up,
    verified,
    verify,
)


def alive(auth: Client, *sign_ins: dict[str, Any]) -> list[bool]:
    """Whether each still passes the gateway and refreshes; asking spends its refresh token."""
    return [
        auth.check(tokens["access_token"]).status_code == 204
        and auth.refresh(tokens["refresh_token"]).status_code == 200
        for tokens in sign_ins
    ]


def test_a_changed_password_is_the_only_one_and_ends_every_other_session(trusting: MailClient, email: str) -> None:
    here, there = trusting.sign_up(email), trusting.log_in(email).json()

    answer = change_password(trusting, here)

    assert (answer.status_code, answer.content) == (204, b"")
    assert alive(trusting, here, there) == [True, False]
    assert [trusting.log_in(email, password).status_code for password in (PASSWORD, NEW_PASSWORD)] == [401, 200]
    assert trusting.letters.subjects(email) == ["your password was changed"]


def test_a_password_is_not_changed_without_the_present_one(trusting: MailClient, email: str) -> None:
    tokens = trusting.sign_up(email)

    answers = [change_password(trusting, tokens, current_password=given) for given in ("four quiet heron", None)]

    assert [refusal(answer) for answer in answers] == [(403, "wrong_password")] * 2
    assert {answer.json()["error"]["param"] for answer in answers} == {"current_password"}
    assert trusting.log_in(email).status_code == 200


def test_of_twenty_changes_at_once_one_happens(trusting: MailClient, email: str) -> None:
    tokens = trusting.sign_up(email)
    passwords = [f"{NEW_PASSWORD} {number}" for number in range(20)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda password: change_password(trusting, tokens, password), passwords))

    changed = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 204]
    assert len(changed) == 1
    assert {answer.status_code for answer in answers} <= {204, 401, 403, 429}
    assert trusting.log_in(email, changed[0]).status_code == 200


@pytest.mark.parametrize("password", ["short", "password1", "Ada"])
def test_a_new_password_is_held_to_the_same_rules(trusting: MailClient, email: str, password: str) -> None:
    answer = change_password(trusting, trusting.sign_up(email), password)

    assert refusal(answer) == (422, "weak_password")
    assert answer.json()["error"]["param"] == "new_password"


def test_guesses_at_the_present_password_are_counted(trusting: MailClient, email: str) -> None:
    tokens = trusting.sign_up(email)
    for number in range(10):
        change_password(trusting, tokens, current_password=f"guess {number}")

    answer = change_password(trusting, tokens)

    assert refusal(answer) == (429, "too_many_attempts")


def test_guests_and_strangers_change_nothing(trusting: MailClient) -> None:
    guest = trusting.guest()
    bodies = {
        "/v1/auth/password": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        "/v1/auth/email": {"email": fresh_email(), "password": PASSWORD},
    }

    as_guest = [trusting.post(path, json=body, headers=bearer(guest)) for path, body in bodies.items()]
    as_nobody = [trusting.post(path, json=body) for path, body in bodies.items()]

    assert [refusal(answer) for answer in as_guest] == [(403, "forbidden")] * 2
    assert [refusal(answer) for answer in as_nobody] == [(401, "invalid_token")] * 2


def test_where_nothing_is_verified_the_address_changes_at_once(trusting: MailClient, email: str) -> None:
    here, there = trusting.sign_up(email), trusting.log_in(email).json()
    new = fresh_email()

    answer = change_email(trusting, here, new)

    assert (answer.status_code, answer.json()) == (200, {"object": "email_change", "status": "changed", "email": new})
    assert alive(trusting, here, there) == [True, False]
    assert [trusting.log_in(address).status_code for address in (email, new)] == [401, 200]
    assert trusting.letters.subjects(email) == ["your e-mail address was changed"]
    assert new not in text_of(trusting.letters.to(email)[-1])


def test_where_nothing_is_verified_a_taken_address_is_refused(trusting: MailClient, email: str) -> None:
    taken = fresh_email()
    trusting.sign_up(taken)
    tokens, there = trusting.sign_up(email), trusting.log_in(email).json()

    answer = change_email(trusting, tokens, taken)

    assert refusal(answer) == (409, "email_taken")
    assert alive(trusting, there) == [True]


def test_an_address_is_not_changed_without_the_password(trusting: MailClient, email: str) -> None:
    tokens = trusting.sign_up(email)

    answer = change_email(trusting, tokens, fresh_email(), "four quiet heron")

    assert refusal(answer) == (403, "wrong_password")
    assert trusting.log_in(email).status_code == 200


def test_ones_own_address_stays_verified_and_ends_nothing(verifying: MailClient, email: str) -> None:
    tokens = verified(verifying, email)

    answer = change_email(verifying, tokens, f" {email.upper()}")

    assert (answer.status_code, answer.json()["status"]) == (200, "changed")
    assert verifying.me(tokens["access_token"]).json()["email_verified"] is True
    assert verifying.letters.subjects(email) == ["confirm your e-mail address"]


def test_a_verified_address_changes_by_the_link_in_the_new_mailbox(verifying: MailClient, email: str) -> None:
    here, there = verified(verifying, email), verifying.log_in(email).json()
    new = fresh_email()

    asked = change_email(verifying, here, new)
    before = verifying.me(here["access_token"]).json()["email"]
    answer = confirm_email(verifying, verifying.letters.token(new))

    assert (asked.status_code, asked.json()["status"], before) == (202, "verification_sent", email)
    assert (answer.status_code, answer.json()["email"]) == (200, new)
    user = verifying.me(here["access_token"]).json()
    assert (user["email"], user["email_verified"]) == (new, True)
    assert alive(verifying, here, there) == [True, False]
    assert verifying.letters.subjects(email)[-1] == "your e-mail address was changed"
    assert refusal(confirm_email(verifying, verifying.letters.token(new))) == (422, "invalid_mail_token")


def test_a_taken_address_is_answered_like_a_free_one_and_only_its_mailbox_learns_it(
    verifying: MailClient, email: str
) -> None:
    taken = fresh_email()
    verified(verifying, taken)
    tokens = verified(verifying, email)

    free = change_email(verifying, tokens, fresh_email())
    answer = change_email(verifying, tokens, taken)

    assert (answer.status_code, answer.json()["status"]) == (free.status_code, free.json()["status"])
    (notice,) = verifying.letters.to(taken)[1:]
    assert "has an account already" in notice["subject"]
    assert "token" not in text_of(notice)


def test_a_sign_up_that_waits_for_an_address_goes_when_an_account_moves_there(
    verifying: MailClient, email: str
) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    sign_up(verifying, wanted)
    begin = verifying.letters.token(wanted)
    change_email(verifying, tokens, wanted)

    confirm_email(verifying, verifying.letters.token(wanted))

    assert refusal(verify(verifying, begin)) == (422, "invalid_mail_token")


def test_a_disabled_account_changes_nothing(verifying: MailClient, email: str) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    change_email(verifying, tokens, wanted)
    link = verifying.letters.token(wanted)

    verifying.letters.change("update users set disabled_at = 1 where id = ?", tokens["user"]["id"])

    assert refusal(confirm_email(verifying, link)) == (422, "invalid_mail_token")


def test_a_link_to_an_address_that_was_taken_meanwhile_changes_nothing(verifying: MailClient, email: str) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    change_email(verifying, tokens, wanted)
    link = verifying.letters.token(wanted)
    verified(verifying, wanted)

    answer = confirm_email(verifying, link)

    assert refusal(answer) == (409, "email_taken")
    assert verifying.me(tokens["access_token"]).json()["email"] == email


def test_only_the_last_change_that_was_asked_for_can_be_confirmed(verifying: MailClient, email: str) -> None:
    tokens, first, second = verified(verifying, email), fresh_email(), fresh_email()
    change_email(verifying, tokens, first)
    stale = verifying.letters.token(first)
    change_email(verifying, tokens, second)

    answers = [confirm_email(verifying, stale), confirm_email(verifying, verifying.letters.token(second))]

    assert refusal(answers[0]) == (422, "invalid_mail_token")
    assert answers[1].json()["email"] == second


def test_a_changed_password_makes_every_link_worthless(verifying: MailClient, email: str) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    change_email(verifying, tokens, wanted)
    forgot(verifying, email)
    change, lost = verifying.letters.token(wanted), verifying.letters.token(email)

    change_password(verifying, tokens)

    assert refusal(confirm_email(verifying, change)) == (422, "invalid_mail_token")
    assert refusal(reset(verifying, lost, "a third password")) == (422, "invalid_mail_token")


def test_a_changed_address_makes_links_to_the_old_one_worthless(verifying: MailClient, email: str) -> None:
    tokens, wanted = verified(verifying, email), fresh_email()
    forgot(verifying, email)
    lost = verifying.letters.token(email)
    change_email(verifying, tokens, wanted)

    confirm_email(verifying, verifying.letters.token(wanted))

    assert refusal(reset(verifying, lost)) == (422, "invalid_mail_token")


def test_a_link_is_good_for_its_own_purpose_alone(verifying: MailClient, email: str) -> None:
    tokens, wanted, waiting = verified(verifying, email), fresh_email(), fresh_email()
    change_email(verifying, tokens, wanted)
    sign_up(verifying, waiting)
    forgot(verifying, email)
    lost = verifying.letters.token(email)
    change, begin = verifying.letters.token(wanted), verifying.letters.token(waiting)

    answers = [
        reset(verifying, change),
        reset(verifying, begin),
        confirm_email(verifying, begin),
        verify(verifying, change),
        verify(verifying, lost),
    ]

    assert [refusal(answer) for answer in answers] == [(422, "invalid_mail_token")] * 5
    assert confirm_email(verifying, change).status_code == 200


def test_a_link_to_a_new_address_ends_after_an_hour(start_mail: StartMail, clock: Clock, email: str) -> None:
    with start_mail(email_verification="required") as auth:
        tokens, wanted = verified(auth, email), fresh_email()
        change_email(auth, tokens, wanted)
        link = token_in(auth.letters.to(wanted)[-1])
        clock.ahead += 3605

        assert refusal(confirm_email(auth, link)) == (422, "invalid_mail_token")
