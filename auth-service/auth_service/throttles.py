"""How often something may be tried, counted in memory: refusing must cost less than trying."""

import math
from dataclasses import dataclass

from auth_service.problems import TooManyAttempts
from auth_service.settings import Settings
from chassis.clock import Clock

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
        self._limit = limit
        self._full_at: dict[str, float] = {}  # when the key will have everything back

    def take(self, key: str) -> None:
        """Raises `TooManyAttempts` with `retry-after` when there is none left."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._interval
        excess = full_at - now - self._tolerance
        if excess > self._interval / 1e6:
            raise TooManyAttempts(headers={"retry-after": str(math.ceil(excess))})
        self._put(key, full_at)

    def give_back(self, key: str) -> None:
        """For an attempt that was fine."""
        if key in self._full_at:
            self._put(key, self._full_at[key] - self._interval)

    def _put(self, key: str, full_at: float) -> None:
        self._full_at.pop(key, None)  # what changes becomes the youngest
        self._full_at[key] = full_at
        if len(self._full_at) > self._limit:
            del self._full_at[next(iter(self._full_at))]


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
