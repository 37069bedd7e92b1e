"""Requests that are sent again: by a client that says so with its key, or by an SDK that tries again by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Principal
from chat_service.problems import IdempotencyKeyReused, IdempotentAnswerNotKept, ResponseNotFound
from chat_service.stores.idempotency_keys import BoundKey, IdempotencyKeys
from chat_service.stores.items import Items
from chat_service.stores.recent_requests import RecentRequests
from chat_service.stores.responses import Responses, StoredResponse

RETRY_SECONDS = 60.0
"""A retry without a key is taken for one this long after the request."""


@dataclass(frozen=True)
class Repeatable:
    """By what a request is known again: a hash of its path and body, byte for byte, and what its client says of it."""

    request_hash: str
    key: str | None = None
    is_retry: bool = False

    @property
    def claims_to_be_known(self) -> bool:
        """Whether it may be the repeat of an earlier one."""
        return self.key is not None or self.is_retry

    def fingerprint(self, caller: Principal) -> str:
        """The request with its credential: two credentials of a user do not send each other's retries."""
        credential = f"{caller.user_id} {caller.key_id or caller.session_id}"
        return sha256(f"{credential} {self.request_hash}".encode()).hexdigest()


class Deliveries:
    """Turns of the last minute whose whole answer went to whoever asked; after a restart there are none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._delivered: dict[str, float] = {}

    def add(self, response_id: str) -> None:
        """From now on."""
        now = self._clock()
        self._delivered.pop(response_id, None)  # else one that is asked for again and again keeps those behind it
        self._delivered[response_id] = now
        while (oldest := next(iter(self._delivered))) and self._delivered[oldest] < now - RETRY_SECONDS:
            del self._delivered[oldest]

    def __contains__(self, response_id: str) -> bool:
        return response_id in self._delivered


class Repeats:
    """What a repeated request made the first time. `has_readers` tells whether somebody listens to a response now."""

    def __init__(self, has_readers: Callable[[str], bool], clock: Clock) -> None:
        self._deliveries = Deliveries(clock)
        self._has_readers = has_readers
        self._clock = clock

    def made_before(self, tx: Transaction, caller: Principal, repeatable: Repeatable) -> StoredResponse | None:
        """The turn that this request made before.

        Raises `IdempotencyKeyReused` when the key came with another request, `ResponseNotFound` when the turn was
        deleted since, `IdempotentAnswerNotKept` when it was to be kept nowhere.
        """
        if repeatable.key is not None:
            bound = key_bound(tx, caller.user_id, repeatable)
            return _still_there(tx, caller.user_id, bound) if bound else None
        return self._tried_before(tx, caller, repeatable) if repeatable.is_retry else None

    def delivered(self, response_id: str) -> None:
        """The last byte of the turn's answer was handed to the server."""
        self._deliveries.add(response_id)

    def remember(self, tx: Transaction, caller: Principal, repeatable: Repeatable, turn: StoredResponse) -> None:
        """In the transaction that stores the turn."""
        if repeatable.key is not None:
            bind_key(tx, caller.user_id, repeatable, turn.id, is_kept=turn.stored, now=turn.created_at)
        else:
            RecentRequests(tx).add(repeatable.fingerprint(caller), turn.id, turn.created_at)

    def _tried_before(self, tx: Transaction, caller: Principal, repeatable: Repeatable) -> StoredResponse | None:
        """A turn whose answer did not arrive, rather one to which nobody listens.

        One that failed without a word is not taken up again: the client tries again because of that.
        """
        tried = RecentRequests(tx).since(repeatable.fingerprint(caller), self._clock() - RETRY_SECONDS)
        undelivered = [response_id for response_id in tried if response_id not in self._deliveries]
        for response_id in sorted(undelivered, key=self._has_readers):
            turn = Responses(tx).find(caller.user_id, response_id)
            if turn is None:
                raise ResponseNotFound("The response that this request made was deleted.")
            if turn.status != "failed" or Items(tx).of(turn.id, "output"):
                return turn
        return None


def key_bound(tx: Transaction, owner: str, repeatable: Repeatable) -> BoundKey | None:
    """What the request's key stands for. Raises `IdempotencyKeyReused` when it came with another request."""
    bound = IdempotencyKeys(tx).find(owner, repeatable.key) if repeatable.key is not None else None
    if bound and bound.request_hash != repeatable.request_hash:
        raise IdempotencyKeyReused()
    return bound


def bind_key(
    tx: Transaction, owner: str, repeatable: Repeatable, result_id: str, *, is_kept: bool = True, now: float
) -> None:
    """Has the request's key, if it has one, stand for what the request made."""
    if repeatable.key is not None:
        bound = BoundKey(repeatable.request_hash, result_id, is_kept)
        IdempotencyKeys(tx).add(owner, repeatable.key, bound, now)


def _still_there(tx: Transaction, owner: str, bound: BoundKey) -> StoredResponse:
    if turn := Responses(tx).find(owner, bound.result_id):
        return turn
    if bound.is_kept:
        raise ResponseNotFound("The response of this Idempotency-Key was deleted.")
    raise IdempotentAnswerNotKept()
