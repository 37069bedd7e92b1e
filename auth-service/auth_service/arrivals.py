"""The last step of every way of signing in: the session begins, and a guest who comes along is merged."""

from collections.abc import Callable

from auth_service.devices import Device
from auth_service.merges import Guest, Merges
from auth_service.problems import AccountDisabled, InvalidCredentials
from auth_service.schemas.sign_ins import Tokens
from auth_service.sign_ins import SignIns
from auth_service.stores.audit import AuditLog
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction


class Arrivals:
    def __init__(self, database: Database, sign_ins: SignIns, merges: Merges, clock: Clock) -> None:
        self._database = database
        self._sign_ins = sign_ins
        self._merges = merges
        self._clock = clock

    async def guest(self, token: str | None) -> Guest | None:
        """To be asked before any work. Raises `InvalidGuestToken`."""
        return await self._merges.guest(token)

    async def arrive(
        self,
        user: User,
        device: Device,
        prove: Callable[[Transaction], None],
        *,
        guest: Guest | None = None,
        event: str = "signed_in",
    ) -> Tokens:
        """Signs `user` in, in the transaction of `prove`.

        `prove` stores a new user, or raises unless what was proved before still holds. Raises `InvalidCredentials` for
        an account that is gone, `AccountDisabled`, and what `Merges.give` raises; then nothing is kept.
        """
        sign_in = self._sign_ins.begin(user, device)

        def write(tx: Transaction) -> str | None:
            prove(tx)
            present = Users(tx).get(user.id)
            if present is None or present.role != user.role:  # the tokens were made for the role it had
                raise InvalidCredentials()
            if present.disabled_at is not None:
                raise AccountDisabled()
            self._sign_ins.keep(tx, sign_in)
            session_id = sign_in.session.id
            AuditLog(tx).add(event, user.id, now=self._clock(), subject=session_id, address=device.address)
            return self._merges.give(tx, guest, present) if guest else None

        saga_id = await self._database.write(write)
        if saga_id:
            await self._merges.settled(saga_id)
        return sign_in.tokens
