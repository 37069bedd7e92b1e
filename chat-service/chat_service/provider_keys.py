"""Users' own keys for the provider: checked before they are stored, sealed while they are, used for their turns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from chat_service.clients.model import Model
from chat_service.key_vault import KeyVault
from chat_service.problems import ProviderKeyUnreadable
from chat_service.stores.provider_keys import ProviderKeyRows, StoredKey

REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 10_000
RENEWED_AT_ONCE = 200

OwnKey = Callable[[str], Awaitable[str | None]]
"""By which key the calls of a user go; None: the server's."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Remembered:
    key: str | None
    until: float


class ProviderKeys:
    """At most one for each user. What `of` finds is remembered for a while, but for no moment after a change."""

    def __init__(
        self, database: Database, model: Model, vault: KeyVault, clock: Clock, most_remembered: int = MOST_REMEMBERED
    ) -> None:
        self._database = database
        self._model = model
        self._vault = vault
        self._clock = clock
        self._most_remembered = most_remembered
        self._remembered: dict[str, _Remembered] = {}
        self._changes = 0

    async def of(self, owner: str) -> str | None:
        """The key by which this owner's calls of the model go; None: the server's. Raises `ProviderKeyUnreadable`."""
        known = self._remembered.get(owner)
        if known and self._clock() < known.until:
            return known.key
        changes = self._changes
        stored = await self.find(owner)
        key = self._opened(stored) if stored else None
        if changes == self._changes:  # else what was read may be what was there before
            self._remember(owner, key)
        return key

    async def find(self, owner: str) -> StoredKey | None:
        """What is known about the owner's key."""
        return await self._database.read(lambda tx: ProviderKeyRows(tx).find(owner))

    async def put(self, owner: str, key: str) -> StoredKey:
        """Stores a key that the provider accepts, in the place of an earlier one.

        Raises `ProviderKeyRejected`, and what the model raises when nothing can be said about the key.
        """
        await self._model.check_key(key)
        stored = StoredKey(owner, self._vault.seal(key, owner), key[-4:], self._clock())

        def write(tx: Transaction) -> None:
            Owners(tx).refuse_departed(owner)
            ProviderKeyRows(tx).put(stored)
            tx.after_commit(partial(self.forget, owner))

        await self._database.write(write)
        return stored

    async def remove(self, owner: str) -> None:
        """From here on the owner's calls go by the server's key. Removing none changes nothing."""

        def write(tx: Transaction) -> None:
            Owners(tx).refuse_departed(owner)
            ProviderKeyRows(tx).erase(owner)
            tx.after_commit(partial(self.forget, owner))

        await self._database.write(write, frees_space=True)

    def forget(self, owner: str) -> None:
        """Drops what is remembered; the next call looks again."""
        self._changes += 1
        self._remembered.pop(owner, None)

    async def renew(self) -> None:
        """Seals under the present secret what lies under a previous one, which is needed no more after that."""
        owner: str | None = ""
        while owner is not None:
            owner = await self._database.write(partial(self._renew_some, after=owner), frees_space=True)

    def _renew_some(self, tx: Transaction, after: str) -> str | None:
        """Returns the last owner of those looked at; None when there was nobody left."""
        keys = ProviderKeyRows(tx).sealed_otherwise(self._vault.secret_id, after, RENEWED_AT_ONCE)
        lost = 0
        for stored in keys:
            if key := self._vault.open(stored.sealed, stored.owner):
                ProviderKeyRows(tx).put(replace(stored, sealed=self._vault.seal(key, stored.owner)))
            else:
                lost += 1
        if lost:
            log.error("provider_keys_unreadable", count=lost)
        return keys[-1].owner if keys else None

    def _opened(self, stored: StoredKey) -> str:
        key = self._vault.open(stored.sealed, stored.owner)
        if key is None:
            log.error("provider_key_unreadable", user_id=stored.owner)
            raise ProviderKeyUnreadable()
        return key

    def _remember(self, owner: str, key: str | None) -> None:
        self._remembered.pop(owner, None)  # what is looked up again becomes the youngest
        self._remembered[owner] = _Remembered(key, self._clock() + REMEMBERED_SECONDS)
        if len(self._remembered) > self._most_remembered:
            del self._remembered[next(iter(self._remembered))]
