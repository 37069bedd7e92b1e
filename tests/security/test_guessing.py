"""Attack group C: guessing passwords is slow from wherever, and shuts nobody out of their own account."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from dev.stack import Stack

from .conftest import CAREFUL
from .people import Person
from .visitors import Visitor, anywhere, at_once, fresh_email

PER_ACCOUNT = int(CAREFUL["FAILED_LOG_INS_PER_ACCOUNT"])
PER_ADDRESS = int(CAREFUL["FAILED_LOG_INS_PER_ADDRESS"])
WRONG = "not the passphrase"


@pytest.fixture
def home() -> str:
    return anywhere()


@pytest.fixture
def victim(careful: Stack, home: str) -> Iterator[Person]:
    """Somebody who has been signed in at `home`."""
    with Visitor(careful, home) as visitor:
        yield visitor.account()


def guess(careful: Stack, address: str, email: str, password: str = WRONG, **headers: str) -> httpx.Response:
    with Visitor(careful, address) as visitor:
        return visitor.post("/v1/auth/login", json={"email": email, "password": password}, headers=headers)


def refused(answer: httpx.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == "too_many_attempts"
    assert int(answer.headers["retry-after"]) > 0
    return True


def test_one_password_tried_on_many_accounts_is_stopped_for_the_address(careful: Stack, victim: Person) -> None:
    sprayer = anywhere()

    answers = [guess(careful, sprayer, fresh_email()) for _ in range(PER_ADDRESS + 5)]

    assert [answer.status_code for answer in answers] == [401] * PER_ADDRESS + [429] * 5
    assert all(map(refused, answers[PER_ADDRESS:]))
    assert refused(guess(careful, sprayer, victim.email or "", "a long enough passphrase"))
    assert guess(careful, anywhere(), victim.email or "", "a long enough passphrase").status_code == 200


SAME_PLACE: dict[str, Callable[[int, str], tuple[str, dict[str, str]]]] = {
    "X-Forwarded-For of one's own": lambda number, home: (f"10.9.8.{number}, 1.2.3.{number}, {home}", {}),
    "other headers": lambda number, home: (
        home,
        dict.fromkeys(
            ("x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "cf-connecting-ip"), f"1.2.3.{number}"
        ),
    ),
    "an IPv6 network": lambda number, home: (f"2001:db8:{home.replace('.', '')[:4]}:7:{number:x}::{number:x}", {}),
    "IPv4 written as IPv6": lambda number, home: (f"::ffff:{home}" if number % 2 else home, {}),
}


@pytest.mark.parametrize("rotation", SAME_PLACE)
def test_changing_what_one_calls_ones_address_makes_no_other_place_of_it(
    rotation: str, careful: Stack, home: str
) -> None:
    places = [SAME_PLACE[rotation](number, home) for number in range(1, PER_ADDRESS + 4)]

    answers = [guess(careful, address, fresh_email(), **headers) for address, headers in places]

    assert [answer.status_code for answer in answers] == [401] * PER_ADDRESS + [429] * 3


def test_without_a_proxy_nobody_says_where_they_are_but_the_connection(stack: Stack) -> None:
    claims = {"x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7", "forwarded": "for=203.0.113.7"}
    with Visitor(stack) as visitor:
        visitor.headers.update(claims)
        person = visitor.account()

        [session] = person.get("/v1/auth/sessions")["data"]

    assert session["address"] == "127.0.0.1"


def test_many_passwords_tried_on_one_account_are_stopped_from_wherever_they_come(
    careful: Stack, victim: Person
) -> None:
    answers = [guess(careful, anywhere(), victim.email or "") for _ in range(PER_ACCOUNT + 3)]

    assert [answer.status_code for answer in answers] == [401] * PER_ACCOUNT + [429] * 3
    assert refused(guess(careful, anywhere(), victim.email or "", "a long enough passphrase"))


def test_an_unknown_account_is_stopped_like_a_known_one(careful: Stack) -> None:
    email = fresh_email()

    answers = [guess(careful, anywhere(), email) for _ in range(PER_ACCOUNT + 1)]

    assert refused(answers[-1])
    assert not any(map(refused, answers[:-1]))


def test_a_victim_gets_in_where_they_were_before_whatever_others_guess(
    careful: Stack, victim: Person, home: str
) -> None:
    while not refused(guess(careful, anywhere(), victim.email or "")):
        pass

    assert guess(careful, home, victim.email or "", "a long enough passphrase").status_code == 200
    assert victim.http.get("/v1/auth/me").status_code == 200  # and nobody was signed out


def test_right_passwords_are_no_attempts(careful: Stack, victim: Person, home: str) -> None:
    answers = [guess(careful, home, victim.email or "", "a long enough passphrase") for _ in range(PER_ADDRESS + 2)]

    assert {answer.status_code for answer in answers} == {200}


def test_guesses_at_a_password_in_a_stolen_session_are_stopped_too(careful: Stack, victim: Person) -> None:
    change = {"current_password": WRONG, "new_password": "a passphrase of the thief"}

    answers = [victim.http.post("/v1/auth/password", json=change) for _ in range(PER_ACCOUNT + 2)]

    assert [answer.status_code for answer in answers] == [403] * PER_ACCOUNT + [429] * 2


def test_two_hundred_log_ins_at_once_are_answered_or_asked_to_come_back(
    careful: Stack, victim: Person, home: str
) -> None:
    bodies = [{"email": fresh_email(), "password": WRONG} for _ in range(200)]
    places = [{"x-forwarded-for": anywhere()} for _ in bodies]
    with Visitor(careful) as visitor:
        answers = at_once(
            200, lambda number: visitor.post("/v1/auth/login", json=bodies[number], headers=places[number])
        )

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} <= {
        (401, "invalid_credentials"),
        (503, "sign_in_busy"),
    }
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 503)
    assert sum(answer.status_code == 401 for answer in answers) >= int(CAREFUL["ARGON2_WAITING"])
    assert guess(careful, home, victim.email or "", "a long enough passphrase").status_code == 200
