"""Google's certificates: fetched once for all, kept as long as Google says, and what happens while it is down."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from dev.fake_google import FakeGoogle

from ...conftest import Clock, fresh_email, refusal
from .conftest import StartGoogle

FRESH = 22021 - 31
HOUR = 3600


def token(google: FakeGoogle, subject: str, clock: Clock) -> str:
    """Good on this machine's clock and on the test's."""
    return google.id_token(subject, iat=int(time.time()), exp=int(clock()) + HOUR)


def test_certificates_are_fetched_once_for_all_who_wait(start_google: StartGoogle, own_google: FakeGoogle) -> None:
    with start_google() as auth, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: auth.google(own_google.id_token(str(number))), range(12)))

    assert [answer.status_code for answer in answers] == [200] * 12
    assert own_google.requests == 1


def test_they_are_kept_as_long_as_google_says(start_google: StartGoogle, own_google: FakeGoogle, clock: Clock) -> None:
    with start_google() as auth:
        asked = []
        for number, ahead in enumerate((0, FRESH - 60, FRESH + 60)):
            clock.ahead = ahead
            auth.google(token(own_google, str(number), clock)).raise_for_status()
            asked.append(own_google.requests)

    assert asked == [1, 1, 2]


def test_a_new_key_is_fetched_when_it_is_first_used(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    with start_google() as auth:
        auth.google(own_google.id_token("1")).raise_for_status()
        own_google.rotate()
        own_google.rotate()
        at_once = auth.google(own_google.id_token("2"))
        clock.ahead = 61
        a_minute_later = auth.google(own_google.id_token("2"))

    assert refusal(at_once) == (422, "invalid_google_token")
    assert a_minute_later.status_code == 200
    assert own_google.requests == 2


@pytest.mark.parametrize("kid", ["../../../dev/null", "' or 1=1 --", "0" * 65, "", "é"])
def test_what_is_no_name_of_a_key_makes_nobody_ask(start_google: StartGoogle, own_google: FakeGoogle, kid: str) -> None:
    with start_google() as auth:
        answer = auth.google(own_google.id_token("1", header={"kid": kid}))

    assert refusal(answer) == (422, "invalid_google_token")
    assert own_google.requests == 0


def test_a_token_of_another_algorithm_makes_nobody_ask(start_google: StartGoogle, own_google: FakeGoogle) -> None:
    claims = jwt.decode(own_google.id_token(), options={"verify_signature": False})
    with start_google() as auth:
        answer = auth.google(jwt.encode(claims, "s" * 32, "HS256", headers={"kid": own_google.keys[0].kid}))

    assert refusal(answer) == (422, "invalid_google_token")
    assert own_google.requests == 0


def test_a_key_that_google_took_back_is_good_no_more_once_it_is_asked(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    old = own_google.keys[0]
    with start_google() as auth:
        auth.google(own_google.id_token("1")).raise_for_status()
        own_google.rotate()
        clock.ahead = FRESH + 1
        answer = auth.google(own_google.id_token("1", key=old, exp=int(clock()) + HOUR))

    assert refusal(answer) == (422, "invalid_google_token")


def test_while_google_has_never_answered_signing_in_with_it_has_to_wait(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    own_google.mood = "error"
    with start_google() as auth:
        answers = [auth.google(own_google.id_token(str(number))) for number in range(5)]
        asked = own_google.requests
        own_google.mood = "fine"
        clock.ahead = 11
        better = auth.google(own_google.id_token("1"))

    assert {refusal(answer) for answer in answers} == {(503, "google_unavailable")}
    assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in answers)
    assert asked == 1
    assert better.status_code == 200


def test_known_keys_go_on_for_six_hours_while_google_is_down(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    with start_google() as auth:
        auth.google(own_google.id_token("1")).raise_for_status()
        own_google.mood = "error"
        clock.ahead = FRESH + 6 * HOUR - 60
        within = auth.google(token(own_google, "1", clock))
        unknown = auth.google(own_google.id_token("1", header={"kid": "f" * 40}))
        clock.ahead = FRESH + 6 * HOUR + 60
        beyond = auth.google(token(own_google, "2", clock))

    assert within.status_code == 200
    assert refusal(unknown) == refusal(beyond) == (503, "google_unavailable")


def test_a_hanging_google_holds_up_nobody_else(start_google: StartGoogle, own_google: FakeGoogle) -> None:
    own_google.mood = "hang"
    email = fresh_email()
    with start_google() as auth, ThreadPoolExecutor(30) as pool:
        auth.sign_up(email)
        waiting = [pool.submit(auth.google, own_google.id_token(str(number))) for number in range(30)]
        _until(lambda: own_google.requests == 1)
        logged_in = auth.log_in(email)
        still_waiting = sum(not answer.done() for answer in waiting)
        own_google.mood = "fine"
        answers = [answer.result().status_code for answer in waiting]

    assert logged_in.status_code == 200
    assert still_waiting == 30
    assert answers == [200] * 30
    assert own_google.requests == 1


def test_a_clock_that_was_put_back_does_not_keep_us_from_asking(
    start_google: StartGoogle, own_google: FakeGoogle, clock: Clock
) -> None:
    own_google.mood = "error"
    with start_google() as auth:
        clock.ahead = 5
        assert auth.google(own_google.id_token("1")).status_code == 503
        own_google.mood = "fine"
        clock.ahead = 0
        answer = auth.google(own_google.id_token("1"))

    assert answer.status_code == 200


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
