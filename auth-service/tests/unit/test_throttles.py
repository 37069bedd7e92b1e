"""How often something may be tried."""

import pytest

from auth_service.devices import network_of
from auth_service.problems import TooManyAttempts
from auth_service.throttles import Throttle


def refused(throttle: Throttle, key: str) -> int:
    """Seconds until the next attempt, which must be refused now."""
    with pytest.raises(TooManyAttempts) as refusal:
        throttle.take(key)
    return int(refusal.value.headers["retry-after"])


class StoodStill:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StoodStill:
    return StoodStill()


def test_all_of_a_period_may_come_at_once_and_no_more(clock: StoodStill) -> None:
    throttle = Throttle(5, 60.0, clock)

    for _ in range(5):
        throttle.take("key")

    assert refused(throttle, "key") == 12


def test_what_was_taken_comes_back_evenly(clock: StoodStill) -> None:
    throttle = Throttle(5, 60.0, clock)
    for _ in range(5):
        throttle.take("key")

    clock.now += 24
    throttle.take("key")
    throttle.take("key")

    assert refused(throttle, "key") == 12


def test_a_clock_that_was_put_back_locks_nobody_out(clock: StoodStill) -> None:
    throttle = Throttle(5, 60.0, clock)
    for _ in range(5):
        throttle.take("key")

    clock.now -= 86_400

    for _ in range(5):
        throttle.take("key")
    assert refused(throttle, "key") == 12


def test_a_refused_attempt_costs_nothing(clock: StoodStill) -> None:
    throttle = Throttle(1, 60.0, clock)
    throttle.take("key")

    for _ in range(100):
        refused(throttle, "key")
    clock.now += 60

    throttle.take("key")


def test_one_key_does_not_pay_for_another(clock: StoodStill) -> None:
    throttle = Throttle(1, 60.0, clock)
    throttle.take("one")

    throttle.take("another")


def test_what_is_given_back_can_be_taken_again(clock: StoodStill) -> None:
    throttle = Throttle(1, 60.0, clock)

    for _ in range(10):
        throttle.take("key")
        throttle.give_back("key")

    throttle.take("key")
    refused(throttle, "key")


def test_it_remembers_a_bounded_number_of_keys_and_forgets_the_one_used_longest_ago(clock: StoodStill) -> None:
    throttle = Throttle(2, 60.0, clock, limit=2)
    throttle.take("oldest")
    throttle.take("middle")
    throttle.take("oldest")

    throttle.take("new")

    refused(throttle, "oldest")
    throttle.take("middle")
    throttle.take("middle")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("not an address", "not an address"),
    ],
)
def test_an_ipv6_household_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
