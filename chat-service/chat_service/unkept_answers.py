"""Idempotency-Keys of requests whose answers are stored nowhere: a repeat is refused instead of answered again."""

import time
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.clock import Clock
from chat_service.problems import IdempotencyKeyReused, IdempotentAnswerNotKept, RequestInProgress
from chat_service.repeats import Repeatable

MOST_KEYS = 50_000
"""Beyond so many the oldest is forgotten."""


@dataclass
class KeyInUse:
    """A key since its request came."""

    request_hash: str
    since: float
    is_answered: bool = False


class UnkeptAnswers:
    """In the memory of this process: after a restart every key is free again."""

    def __init__(self, keys_kept_seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds = keys_kept_seconds
        self._clock = clock
        self._keys: OrderedDict[tuple[str, str], KeyInUse] = OrderedDict()

    @contextmanager
    def once(self, owner: str, repeatable: Repeatable | None) -> Generator[None]:
        """Around a request. If it ends with an exception, as when its client leaves, the key is free again.

        Raises `RequestInProgress`, `IdempotentAnswerNotKept`, `IdempotencyKeyReused`.
        """
        if repeatable is None or repeatable.key is None:
            yield
            return
        name = (owner, repeatable.key)
        self._forget_old()
        if known := self._keys.get(name):
            raise _refusal(known, repeatable)
        used = self._keys[name] = KeyInUse(repeatable.request_hash, self._clock())
        try:
            yield
            used.is_answered = True
        finally:
            if not used.is_answered and self._keys.get(name) is used:
                del self._keys[name]

    def _forget_old(self) -> None:
        too_old = self._clock() - self._seconds
        while self._keys:
            oldest = next(iter(self._keys.values()))
            if oldest.since >= too_old and len(self._keys) < MOST_KEYS:
                return
            self._keys.popitem(last=False)


def _refusal(known: KeyInUse, repeatable: Repeatable) -> Exception:
    if known.request_hash != repeatable.request_hash:
        return IdempotencyKeyReused()
    return IdempotentAnswerNotKept() if known.is_answered else RequestInProgress()
