"""What an API key is worth at the gateway: a short-lived access token, as long as the key holds."""

import math
import re
from dataclasses import dataclass

from auth_service.access_tokens import AccessTokens
from auth_service.lifetimes import ENDED, Lifetimes
from auth_service.opaque_tokens import hash_of
from auth_service.recent import Recent
from auth_service.stores.api_keys import ApiKey, ApiKeys
from chassis.clock import Clock
from chassis.database import Database
from chassis.problems import Unauthenticated

SECRET_PREFIX = "sk-dt-"
MOST_EXCHANGED = 10_000
_SHAPE = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An access token for a key. Until `renewed_at` it is handed out again; it is valid until `expires_at`."""

    key_id: str
    token: str
    renewed_at: float
    expires_at: int


class KeyExchange:
    def __init__(self, database: Database, access_tokens: AccessTokens, clock: Clock, *, token_seconds: int) -> None:
        self._database = database
        self._access_tokens = access_tokens
        self._clock = clock
        self._token_seconds = token_seconds
        self._lifetimes = Lifetimes()
        self._keys: Recent[bytes, ApiKey] = Recent(MOST_EXCHANGED)
        self._exchanged: Recent[str, Exchanged] = Recent(MOST_EXCHANGED)

    async def exchange(self, secret: str) -> Exchanged:
        """Raises `Unauthenticated` for anything but the secret of a key that holds."""
        if not _SHAPE.fullmatch(secret):
            raise Unauthenticated()
        key_hash = hash_of(secret)
        key = self._keys.get(key_hash) or await self._find(key_hash)
        if key is None or not await self.holds(key.id):
            raise Unauthenticated()
        exchanged = self._exchanged.get(key.id)
        if exchanged is None or self._clock() >= exchanged.renewed_at:
            exchanged = self._issue(key)
            self._exchanged.put(key.id, exchanged)
        return exchanged

    def begin(self, key: ApiKey, key_hash: bytes) -> None:
        """To be called once the key is on disk: its first use needs no look there."""
        self._learn(key)
        self._keys.put(key_hash, key)

    async def holds(self, key_id: str) -> bool:
        """Whether the key is neither revoked nor expired, and its user not disabled."""
        until = self._lifetimes.until(key_id)
        if until is None:
            until = self._learn(await self._database.read(lambda tx: ApiKeys(tx).with_id(key_id)))
        return until > self._clock()

    def end(self, key_id: str) -> None:
        """To be called once the revocation is on disk: neither the key nor any token made for it holds from here on."""
        self._lifetimes.end(key_id)

    async def _find(self, key_hash: bytes) -> ApiKey | None:
        key = await self._database.read(lambda tx: ApiKeys(tx).with_hash(key_hash))
        if key:
            self.begin(key, key_hash)
        return key

    def _learn(self, key: ApiKey | None) -> float:
        return self._lifetimes.learn(key.id, key.expires_at or math.inf) if key else ENDED

    def _issue(self, key: ApiKey) -> Exchanged:
        now = int(self._clock())
        longest = now + self._token_seconds
        expires_at = min(longest, key.expires_at or longest)
        token = self._access_tokens.issue_for_key(key.user_id, key.id, key.scopes, expires_at - now)
        return Exchanged(key.id, token, renewed_at=(now + expires_at) / 2, expires_at=expires_at)
