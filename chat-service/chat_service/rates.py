"""How fast a user may go on: buckets in the memory of this process, full at first and refilled evenly."""

import math
import time
from collections import OrderedDict
from threading import Lock

from chassis.clock import Clock
from chat_service.problems import RateLimitExceeded

MOST_OWNERS = 100_000
"""Whoever was not seen for longest is forgotten beyond so many: their bucket is full again."""


class Rate:
    """One bucket for each owner, of what may be had in a minute. A full one is not kept."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what was left, and when that was
        self._lock = Lock()  # turns are accepted on the writer's thread, calls end on the event loop's

    def left(self, owner: str) -> float:
        """What may be had now; below zero after a call that took more than there was."""
        left, seen_at = self._seen.get(owner, (self.per_minute, 0.0))
        return min(self.per_minute, left + (self._clock() - seen_at) * self.per_minute / 60)

    def take(self, owner: str, amount: float) -> None:
        """Takes it, whatever is left."""
        with self._lock:
            left = self.left(owner) - amount
            self._seen[owner] = (left, self._clock())
            self._seen.move_to_end(owner)
            self._forget()

    def seconds_until(self, owner: str, amount: float) -> float:
        """How long until there is so much; 0 when there is."""
        return max(0.0, (amount - self.left(owner)) * 60 / self.per_minute)

    def owners(self) -> int:
        """How many are remembered."""
        return len(self._seen)

    def headers(self, owner: str, what: str) -> dict[str, str]:
        """In OpenAI's words."""
        return {
            f"x-ratelimit-limit-{what}": str(self.per_minute),
            f"x-ratelimit-remaining-{what}": str(max(0, math.floor(self.left(owner)))),
            f"x-ratelimit-reset-{what}": _duration(self.seconds_until(owner, self.per_minute)),
        }

    def _forget(self) -> None:
        """Those at the front that are full by now: a little with each call, so that idle owners do not pile up."""
        for _ in range(2):
            oldest = next(iter(self._seen))
            if self.left(oldest) < self.per_minute and len(self._seen) <= MOST_OWNERS:
                return
            del self._seen[oldest]
            if not self._seen:
                return


class Rates:
    """Turns and tokens a minute. Tokens are charged when a call has ended: the last one may take more than is left."""

    def __init__(self, turns_per_minute: int, tokens_per_minute: int, clock: Clock = time.monotonic) -> None:
        self._turns = Rate(turns_per_minute, clock)
        self._tokens = Rate(tokens_per_minute, clock)

    def take_turn(self, owner: str) -> None:
        """For whatever is accepted. Raises `RateLimitExceeded`."""
        seconds = max(self._turns.seconds_until(owner, 1), self._tokens.seconds_until(owner, 1))
        if seconds > 0:
            raise RateLimitExceeded(math.ceil(seconds), self.headers(owner))
        self._turns.take(owner, 1)

    def charge(self, owner: str, tokens: int) -> None:
        """What a call took in and gave out."""
        self._tokens.take(owner, tokens)

    def headers(self, owner: str) -> dict[str, str]:
        """What is left for the owner, as every answer to a request for the model says."""
        return {**self._turns.headers(owner, "requests"), **self._tokens.headers(owner, "tokens")}


def _duration(seconds: float) -> str:
    """`250ms`, `1s`, `6m0s`."""
    if (milliseconds := math.ceil(seconds * 1000)) < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
