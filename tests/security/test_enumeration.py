"""Attack group C: nobody learns from an answer, its headers or its time who has an account."""

import statistics
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from chassis.testing import eventually
from dev.stack import Stack

from .mailbox import Mailbox
from .people import PASSWORD
from .visitors import Visitor, anywhere, fresh_email

VARY_BY_THEMSELVES = ("date", "x-request-id")
ROUNDS = 4
ALIKE = 0.6
"""The one takes at least that part of what the other takes; a spared password hash makes it less than a third."""

Ask = Callable[[Visitor, str], httpx.Response]
WAYS: dict[str, Ask] = {
    "logging in": lambda visitor, email: visitor.log_in(email, "not the passphrase"),
    "signing up": lambda visitor, email: visitor.sign_up(email),
    "forgetting the password": lambda visitor, email: visitor.forget(email),
    "asking for the mail again": lambda visitor, email: visitor.post(
        "/v1/auth/verify-email/resend", json={"email": email}
    ),
}


@pytest.fixture(scope="module")
def known(careful: Stack) -> list[str]:
    """Addresses with accounts."""
    with Visitor(careful, anywhere()) as visitor:
        return [visitor.account().email or "" for _ in range(5)]


@pytest.fixture
def stranger(careful: Stack) -> Iterator[Visitor]:
    with Visitor(careful, anywhere()) as visitor:
        yield visitor


def seen(answer: httpx.Response, email: str) -> tuple[int, list[tuple[str, str]], str]:
    """All that an answer says, but for the request's own marks and the address that the asker typed."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in VARY_BY_THEMSELVES]
    request_id = answer.headers["x-request-id"]
    return answer.status_code, headers, answer.text.replace(email, "…").replace(request_id, "…")


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_for_an_address_with_an_account_is_the_one_for_any_other(
    way: str, stranger: Visitor, known: list[str]
) -> None:
    ask, unknown = WAYS[way], fresh_email()

    answers = [seen(ask(stranger, email), email) for email in (known[0], unknown)]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_takes_as_long_for_an_address_with_an_account_as_for_any_other(
    way: str, careful: Stack, known: list[str]
) -> None:
    unknown = [fresh_email() for _ in known]
    took: dict[bool, list[float]] = {True: [], False: []}
    mailbox = Mailbox(careful)

    for number in range(ROUNDS):
        for pair in zip(known, unknown, strict=True):
            with Visitor(careful, anywhere()) as visitor:
                visitor.get("/health")  # the connection stands
                for is_known in (True, False) if number % 2 else (False, True):
                    mailbox.settled()  # a mail that is on its way takes its time from whoever asks next
                    started = time.perf_counter()
                    WAYS[way](visitor, pair[not is_known])
                    took[is_known].append(time.perf_counter() - started)

    quick, slow = sorted(statistics.quantiles(samples, n=4)[0] for samples in took.values())
    assert quick > ALIKE * slow, took


def test_a_sign_up_for_an_address_with_an_account_is_told_to_its_mailbox_alone(
    careful: Stack, stranger: Visitor
) -> None:
    owner = stranger.account()

    again = stranger.sign_up(owner.email or "", "quite another passphrase")

    assert again.status_code == 202
    assert Mailbox(careful).letter("already_registered", owner.email or "")
    assert stranger.log_in(owner.email or "", "quite another passphrase").json()["code"] == "email_not_verified"
    assert stranger.log_in(owner.email or "", PASSWORD).status_code == 200


def test_a_sign_up_that_waits_for_its_mail_is_no_account_to_log_in_to(careful: Stack, stranger: Visitor) -> None:
    email = fresh_email()
    stranger.sign_up(email)

    right, wrong, nobody = (
        stranger.log_in(email),
        stranger.log_in(email, "not the passphrase"),
        stranger.log_in(fresh_email()),
    )

    assert (right.status_code, right.json()["code"]) == (403, "email_not_verified")
    assert [wrong.json()["code"], nobody.json()["code"]] == ["invalid_credentials"] * 2
    assert Mailbox(careful).token("sign_up", email)


def test_a_changed_address_that_is_taken_is_told_to_its_mailbox_alone(careful: Stack, stranger: Visitor) -> None:
    ada, eve = stranger.account(), stranger.account()

    answers = [
        eve.http.post("/v1/auth/email", json={"email": email, "password": PASSWORD})
        for email in (ada.email, fresh_email())
    ]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert {tuple(answer.json()) for answer in answers} == {("object", "status", "email")}
    assert eventually(lambda: Mailbox(careful).letters("address_taken", ada.email))
    assert not Mailbox(careful).letters("change_email", ada.email)
