"""An account that goes: here at once, at the other services by a saga, with a receipt that outlives it."""

from collections.abc import Callable
from dataclasses import dataclass

from auth_service.api_keys import KeyRings
from auth_service.confirmations import Confirmations
from auth_service.opaque_tokens import hash_of, new_token
from auth_service.problems import DeletionNotFound
from auth_service.sagas import SagaRunner
from auth_service.sign_ins import SignIns
from auth_service.stores.audit import Actor, AuditLog
from auth_service.stores.mails import Mails
from auth_service.stores.pending_sign_ups import PendingSignUps
from auth_service.stores.sagas import Saga, Sagas
from auth_service.stores.users import Users
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.owners import Counts
from chassis.problems import Unauthenticated


@dataclass(frozen=True, slots=True)
class Receipt:
    """What has been erased so far: None for a service that has not answered yet."""

    saga: Saga
    erased: dict[str, Counts | None]


class Deletions:
    def __init__(
        self,
        database: Database,
        confirmations: Confirmations,
        sign_ins: SignIns,
        key_rings: KeyRings,
        sagas: SagaRunner,
        clock: Clock,
    ) -> None:
        self._database = database
        self._confirmations = confirmations
        self._sign_ins = sign_ins
        self._key_rings = key_rings
        self._sagas = sagas
        self._clock = clock

    async def delete_own(self, caller: Principal, password: str | None) -> tuple[Receipt, str]:
        """Deletes the caller's account; returns the receipt and the token that shows it from now on.

        Raises what `Confirmations.confirm` raises.
        """
        user = await self._confirmations.confirm(caller, password)

        def find(tx: Transaction) -> str:
            self._confirmations.recheck(tx, caller, user)
            return user.id

        return await self.delete(find, "user")

    async def delete(self, find: Callable[[Transaction], str], actor: Actor) -> tuple[Receipt, str]:
        """Deletes an account: here at once, at the other services within moments, or when they are back.

        `find` says whose, in the transaction that deletes it, or raises.
        """
        token = new_token()
        saga = await self._database.write(lambda tx: self.decide(tx, find(tx), actor, token), frees_space=True)
        await self._sagas.settled(saga.id)
        return await self.receipt(token), token

    async def receipt(self, token: str) -> Receipt:
        """What that token shows. Raises `DeletionNotFound`."""

        def read(tx: Transaction) -> Receipt | None:
            saga = Sagas(tx).with_token(hash_of(token))
            return Receipt(saga, Sagas(tx).counts(saga.id)) if saga else None

        if receipt := await self._database.read(read):
            return receipt
        raise DeletionNotFound()

    def decide(self, tx: Transaction, user_id: str, actor: Actor, token: str | None = None) -> Saga:
        """Removes the account and owes the other services their part, in the caller's transaction.

        Raises `Unauthenticated` when the account is gone already, or was a guest's and merged.
        """
        user = Users(tx).get(user_id)
        if user is None or user.merged_into:
            raise Unauthenticated()
        now = self._clock()
        saga = Saga(new_id("del"), "deletion", user.id, new_id("former"), int(now))
        self._sign_ins.end_all(tx, user.id, "deleted", actor=actor)
        self._key_rings.end_all(tx, user.id, actor=actor)
        if user.email:
            Mails(tx).remove_to(user.email)
            PendingSignUps(tx).remove_to(user.email)
        Users(tx).remove(user.id)
        self._sagas.begin(tx, saga, hash_of(token) if token else None)
        AuditLog(tx).add("account_deleted", user.id, now=now, actor=actor, subject=saga.id)
        return saga
