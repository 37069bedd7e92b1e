"""How often something may be tried, counted in memory: refusing must cost less than trying."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from auth_service.problems import TooManyAttempts
from auth_service.recent import Recent
from auth_service.settings import Settings
from chassis.clock import Clock
from chassis.problems import Problem

MOST_KEYS = 100_000
HOUR = 3600.0
QUARTER = 900.0


class Throttle:
    """`most` at once for each key, given back evenly over `seconds` (the generic cell rate algorithm of ATM networks).

    Remembers `limit` keys; beyond that the one forgotten is the one used least recently.
    """

    def __init__(self, most: int, seconds: float, clock: Clock, limit: int = MOST_KEYS) -> None:
        self._interval = seconds / most
        self._tolerance = seconds
        self._clock = clock
        self._full_at: Recent[str, float] = Recent(limit)  # when the key will have everything back

    def take(self, key: str) -> None:
        """Raises `TooManyAttempts` with `retry-after` when there is none left."""
        now = self._clock()
        known = self._full_at.get(key) or now
        if known > now + self._tolerance + self._interval:  # more than there ever was: the clock was put back
            known = now
        full_at = max(known, now) + self._interval
        excess = full_at - now - self._tolerance
        if excess > self._interval / 1e6:
            raise TooManyAttempts(headers={"retry-after": str(math.ceil(excess))})
        self._full_at.put(key, full_at)

    def give_back(self, key: str) -> None:
        """For an attempt that was fine."""
        if full_at := self._full_at.get(key):
            self._full_at.put(key, full_at - self._interval)

    @contextmanager
    def counting(self, guess: type[Problem], key: str) -> Iterator[None]:
        """An attempt that counts only if it ends in `guess`: one that succeeds, or finds no room, is no guess."""
        self.take(key)
        try:
            yield
        except guess:
            raise
        except BaseException:
            self.give_back(key)
            raise
        self.give_back(key)


@dataclass(frozen=True)
class Throttles:
    """All that auth counts."""

    sign_ups: Throttle
    guests: Throttle
    log_ins_by_account: Throttle
    log_ins_by_address: Throttle
    google_nonces: Throttle
    mails: Throttle

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> "Throttles":
        return cls(
            sign_ups=Throttle(settings.sign_ups_per_address_per_hour, HOUR, clock),
            guests=Throttle(settings.guests_per_address_per_hour, HOUR, clock),
            log_ins_by_account=Throttle(settings.failed_log_ins_per_account, QUARTER, clock),
            log_ins_by_address=Throttle(settings.failed_log_ins_per_address, QUARTER, clock),
            google_nonces=Throttle(settings.google_nonces_per_address_per_hour, HOUR, clock),
            mails=Throttle(settings.mails_per_mailbox_per_hour, HOUR, clock),
        )
