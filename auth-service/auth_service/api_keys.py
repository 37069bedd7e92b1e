"""The API keys of an account: made, shown, renamed, revoked."""

import math

from auth_service.devices import Device
from auth_service.key_exchange import SECRET_PREFIX, KeyExchange
from auth_service.opaque_tokens import hash_of, new_token
from auth_service.problems import ApiKeyNotFound, TooManyApiKeys
from auth_service.schemas.api_keys import CreateApiKey
from auth_service.stores.api_keys import KEY_PREFIX, ApiKey, ApiKeys
from auth_service.stores.audit import Actor, AuditLog
from auth_service.stores.sessions import Sessions
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.pages import PageQuery
from chassis.problems import Unauthenticated


class KeyRings:
    """Every account has one, with at most `most` keys on it."""

    def __init__(self, database: Database, exchange: KeyExchange, clock: Clock, *, most: int) -> None:
        self._database = database
        self._exchange = exchange
        self._clock = clock
        self._most = most

    async def create(self, caller: Principal, asked: CreateApiKey, device: Device) -> tuple[ApiKey, str]:
        """A new key and its secret, which is kept nowhere. Raises `TooManyApiKeys`, `Unauthenticated`."""
        now = int(self._clock())
        secret = SECRET_PREFIX + new_token()
        key_hash = hash_of(secret)
        key = ApiKey(
            id=new_id(KEY_PREFIX),
            user_id=caller.user_id,
            name=asked.name,
            scopes=" ".join(sorted(set(asked.scopes))),
            last_four=secret[-4:],
            created_at=now,
            expires_at=now + asked.expires_in if asked.expires_in else None,
        )

        def write(tx: Transaction) -> None:
            self._refuse_signed_out(tx, caller)
            self._make_room(tx, caller.user_id)
            ApiKeys(tx).add(key, key_hash)
            tx.after_commit(lambda: self._exchange.begin(key, key_hash))
            AuditLog(tx).add("api_key_created", key.user_id, now=now, subject=key.id, address=device.address)

        await self._database.write(write)
        return key, secret

    async def page(self, user_id: str, page: PageQuery) -> list[ApiKey]:
        """One key more than asked for, if there are more; expired ones too."""
        return await self._database.read(
            lambda tx: ApiKeys(tx).page(user_id, after=page.after, order=page.order, count=page.limit + 1)
        )

    async def find(self, user_id: str, key_id: str) -> ApiKey:
        """Raises `ApiKeyNotFound`."""
        key = await self._database.read(lambda tx: ApiKeys(tx).get(user_id, key_id))
        if key is None:
            raise ApiKeyNotFound()
        return key

    async def rename(self, user_id: str, key_id: str, name: str) -> ApiKey:
        """Raises `ApiKeyNotFound`."""
        await self._database.write(lambda tx: ApiKeys(tx).rename(user_id, key_id, name))
        return await self.find(user_id, key_id)

    async def revoke(self, user_id: str, key_id: str, device: Device) -> None:
        """From here on neither the key nor what it was exchanged for is good. Raises `ApiKeyNotFound`."""

        def write(tx: Transaction) -> None:
            if not ApiKeys(tx).remove(user_id, key_id):
                raise ApiKeyNotFound()
            self._ended(tx, user_id, key_id, address=device.address)

        await self._database.write(write, frees_space=True)

    def end_all(self, tx: Transaction, user_id: str, *, actor: Actor = "user", made_before: float = math.inf) -> int:
        """Revokes every key of a user, or the older ones, in the caller's transaction; returns how many."""
        key_ids = ApiKeys(tx).remove_all(user_id, made_before)
        for key_id in key_ids:
            self._ended(tx, user_id, key_id, actor=actor)
        return len(key_ids)

    def _refuse_signed_out(self, tx: Transaction, caller: Principal) -> None:
        """Whoever ended the session, because it was a thief's, must not find a key that it made meanwhile."""
        session = Sessions(tx).get(caller.session_id)
        if session is None or not session.is_open(self._clock()):
            raise Unauthenticated()

    def _make_room(self, tx: Transaction, user_id: str) -> None:
        keys = ApiKeys(tx)
        if keys.count(user_id) >= self._most:
            keys.remove_expired(user_id, self._clock())
        if keys.count(user_id) >= self._most:
            raise TooManyApiKeys()

    def _ended(
        self, tx: Transaction, user_id: str, key_id: str, *, actor: Actor = "user", address: str | None = None
    ) -> None:
        AuditLog(tx).add("api_key_revoked", user_id, now=self._clock(), actor=actor, subject=key_id, address=address)
        tx.after_commit(lambda: self._exchange.end(key_id))
