"""A guest who signs up or in: everything the guest made becomes the account's, exactly once."""

from dataclasses import dataclass

from auth_service.problems import GuestAlreadyMerged, InvalidGuestToken
from auth_service.sagas import SagaRunner
from auth_service.sign_ins import SignIns
from auth_service.stores.audit import AuditLog
from auth_service.stores.sagas import Saga, Sagas
from auth_service.stores.sessions import Sessions
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Identity
from chassis.ids import new_id
from chassis.problems import Unauthenticated


@dataclass(frozen=True, slots=True)
class Guest:
    """Who a guest token names."""

    id: str
    session_id: str


class Merges:
    def __init__(self, identity: Identity, sign_ins: SignIns, sagas: SagaRunner, clock: Clock) -> None:
        self._identity = identity
        self._sign_ins = sign_ins
        self._sagas = sagas
        self._clock = clock

    async def guest(self, token: str | None) -> Guest | None:
        """The guest of a genuine access token; None without one. Raises `InvalidGuestToken`."""
        if token is None:
            return None
        try:
            principal = await self._identity.user(token)
        except Unauthenticated:
            raise InvalidGuestToken(param="guest_token") from None
        if principal.role != "guest":
            raise InvalidGuestToken(param="guest_token")
        return Guest(principal.user_id, principal.session_id)

    def give(self, tx: Transaction, guest: Guest, into: User) -> str:
        """Decides the merge and ends the guest's sessions; returns the saga's id. Repeating it changes nothing.

        Raises `InvalidGuestToken` when the guest signed out or is gone, `GuestAlreadyMerged` when another account has
        what the guest made: then nothing may be signed in either, or the guest's things would silently stay behind.
        """
        found = Users(tx).get(guest.id)
        if found and found.merged_into == into.id:
            earlier = Sagas(tx).of_owner(guest.id)
            assert earlier is not None  # marked and begun in one transaction
            return earlier.id
        if found and found.merged_into:
            raise GuestAlreadyMerged(param="guest_token")
        now = self._clock()
        session = Sessions(tx).get(guest.session_id)
        if session is None or not session.is_open(now) or not Users(tx).mark_merged(guest.id, into.id):
            raise InvalidGuestToken(param="guest_token")
        self._sign_ins.end_all(tx, guest.id, "merged")
        saga = Saga(new_id("merge"), "merge", guest.id, into.id, int(now))
        self._sagas.begin(tx, saga)
        AuditLog(tx).add("guest_merged", into.id, now=now, subject=saga.id)
        return saga.id

    async def settled(self, saga_id: str) -> None:
        """Waits a moment for the services, so that whoever has just signed in finds everything there."""
        await self._sagas.settled(saga_id)
