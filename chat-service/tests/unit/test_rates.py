"""Buckets that refill: how much is left, what is refused, and what is remembered of whom."""

import pytest

from chat_service import rates
from chat_service.problems import RateLimitExceeded
from chat_service.rates import Rates


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def take(limits: Rates, owner: str, times: int) -> int:
    """How many of so many turns were let through."""
    passed = 0
    for _ in range(times):
        try:
            limits.take_turn(owner)
        except RateLimitExceeded:
            continue
        passed += 1
    return passed


def test_a_minutes_number_passes_at_once_and_then_one_at_a_time(clock: Clock) -> None:
    limits = Rates(60, 1000, clock)

    at_once = take(limits, "user_1", 100)
    clock.now += 3
    later = take(limits, "user_1", 100)

    assert (at_once, later) == (60, 3)


def test_one_user_takes_nothing_from_another(clock: Clock) -> None:
    limits = Rates(2, 1000, clock)
    take(limits, "user_1", 5)

    assert take(limits, "user_2", 5) == 2


def test_nobody_saves_up_more_than_a_minutes_number(clock: Clock) -> None:
    limits = Rates(5, 1000, clock)
    take(limits, "user_1", 5)

    clock.now += 3600

    assert take(limits, "user_1", 50) == 5


def test_tokens_that_were_used_hold_up_the_next_turn_until_they_are_paid_back(clock: Clock) -> None:
    limits = Rates(60, 600, clock)
    limits.take_turn("user_1")
    limits.charge("user_1", 1200)

    with pytest.raises(RateLimitExceeded) as refused:
        limits.take_turn("user_1")
    clock.now += int(refused.value.headers["retry-after"])

    assert refused.value.headers["retry-after"] == "61"
    assert refused.value.headers["x-ratelimit-remaining-tokens"] == "0"
    assert take(limits, "user_1", 1) == 1


def test_a_refusal_takes_nothing(clock: Clock) -> None:
    limits = Rates(1, 1000, clock)
    take(limits, "user_1", 100)

    clock.now += 60

    assert take(limits, "user_1", 1) == 1


@pytest.mark.parametrize(
    ("per_minute", "taken", "reset"), [(60, 0, "0ms"), (600, 1, "100ms"), (60, 1, "1s"), (60, 60, "1m0s")]
)
def test_what_is_left_is_told_in_openais_words(clock: Clock, per_minute: int, taken: int, reset: str) -> None:
    limits = Rates(per_minute, 1000, clock)
    take(limits, "user_1", taken)

    headers = limits.headers("user_1")

    assert headers["x-ratelimit-limit-requests"] == str(per_minute)
    assert headers["x-ratelimit-remaining-requests"] == str(per_minute - taken)
    assert headers["x-ratelimit-reset-requests"] == reset
    assert headers["x-ratelimit-remaining-tokens"] == "1000"


def test_whoever_has_been_idle_is_forgotten(clock: Clock) -> None:
    limit = rates.Rate(60, clock)
    for number in range(100):
        limit.take(f"user_{number}", 1)

    clock.now += 60
    for _ in range(100):
        limit.take("user_again", 1)

    assert limit.owners() == 1


def test_no_more_owners_are_remembered_than_there_is_room_for(clock: Clock) -> None:
    limit = rates.Rate(60, clock)

    for number in range(rates.MOST_OWNERS + 10):
        limit.take(f"user_{number}", 1)

    assert limit.owners() == rates.MOST_OWNERS
    assert limit.left(f"user_{rates.MOST_OWNERS + 9}") == 59
