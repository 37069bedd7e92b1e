"""What a user may have of the model: so many answers at once, so many a minute, and a guest so many at all."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.owners import Owners
from chat_service.problems import GuestTurnsUsed, TooManyRunning
from chat_service.rates import Rates
from chat_service.settings import Settings
from chat_service.stores.guest_turns import GuestTurns
from chat_service.stores.responses import Responses


@dataclass(frozen=True, kw_only=True)
class UserLimits:
    """Of one user."""

    running: int
    guest_turns: int
    turns_per_minute: int
    tokens_per_minute: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As this deployment sets them."""
        return cls(
            running=settings.user_running,
            guest_turns=settings.guest_turns,
            turns_per_minute=settings.turns_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        )


class StatelessCall:
    """A call that is being admitted, or runs."""

    is_admitted = False


class Allowances:
    """Every call of the model that a user asks for is admitted here, in a transaction: two never count as one."""

    def __init__(self, database: Database, limits: UserLimits, clock: Clock = time.monotonic) -> None:
        self._database = database
        self._limits = limits
        self._rates = Rates(limits.turns_per_minute, limits.tokens_per_minute, clock)
        self._calls: dict[str, set[StatelessCall]] = {}

    def admit(self, tx: Transaction, caller: Principal) -> None:
        """One more answer. Raises `GuestTurnsUsed`, `TooManyRunning`, `RateLimitExceeded`.

        Goes last among what may refuse: what is taken from the rate is not given back.
        """
        owner = caller.user_id
        if caller.role == "guest" and not GuestTurns(tx).take(owner, self._limits.guest_turns):
            raise GuestTurnsUsed(self._limits.guest_turns)
        if Responses(tx).running_of(owner) + self._calls_of(owner) >= self._limits.running:
            raise TooManyRunning(self._limits.running)
        self._rates.take_turn(owner)

    @asynccontextmanager
    async def call(self, caller: Principal) -> AsyncGenerator[dict[str, str]]:
        """While a stateless call of the model runs: the headers of its answer, which say what is left now.

        Raises what `admit` does, and `Unauthenticated`.
        """
        call = StatelessCall()

        def write(tx: Transaction) -> None:
            Owners(tx).refuse_departed(caller.user_id)
            self.admit(tx, caller)
            call.is_admitted = True

        calls = self._calls.setdefault(caller.user_id, set())
        calls.add(call)
        try:
            await self._database.write(write, frees_space=True)
            yield await self.headers(caller)
        finally:
            calls.discard(call)
            if not calls:
                self._calls.pop(caller.user_id, None)

    def charge(self, owner: str, tokens: int) -> None:
        """Takes what a call came to from what the owner may have a minute."""
        self._rates.charge(owner, tokens)

    async def headers(self, caller: Principal) -> dict[str, str]:
        """What is left for the caller."""
        headers = self._rates.headers(caller.user_id)
        if caller.role == "guest":
            used = await self._database.read(lambda tx: GuestTurns(tx).used(caller.user_id))
            headers["x-guest-turns-remaining"] = str(max(0, self._limits.guest_turns - used))
        return headers

    def _calls_of(self, owner: str) -> int:
        """Asked on the writer's thread while the event loop's adds and takes away: hence the copy."""
        return sum(call.is_admitted for call in self._calls.get(owner, set()).copy())
