"""Somebody who is signed in confirms what could cost them the account."""

from auth_service.passwords import Passwords
from auth_service.problems import ReauthenticationRequired, WrongPassword
from auth_service.stores.sessions import Sessions
from auth_service.stores.users import User, Users
from auth_service.throttles import Throttles
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.problems import Unauthenticated

FRESH_SECONDS = 600


class Confirmations:
    def __init__(self, database: Database, passwords: Passwords, throttles: Throttles, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._throttles = throttles
        self._clock = clock

    async def confirm(self, caller: Principal, password: str | None, *, param: str = "password") -> User:
        """The caller's account, confirmed: by its password, or by a fresh sign-in where it has none.

        A guest has nothing to confirm with. Raises `WrongPassword`, `ReauthenticationRequired`, `TooManyAttempts`,
        `Unauthenticated` when the account or the session is gone.
        """
        user, is_fresh = await self._database.read(lambda tx: self._look(tx, caller))
        if user.password_hash is not None:
            with self._throttles.log_ins_by_account.counting(WrongPassword, f"confirm {user.id}"):
                if not await self._passwords.verify(user.password_hash, password or ""):
                    raise WrongPassword(param=param)
        elif user.role != "guest" and not is_fresh:
            raise ReauthenticationRequired()
        return user

    def recheck(self, tx: Transaction, caller: Principal, confirmed: User) -> None:
        """Whether it still is so, in the transaction that needed it. Raises `Unauthenticated` when it is not."""
        present, _ = self._look(tx, caller)
        if present.password_hash != confirmed.password_hash or present.email != confirmed.email:
            raise Unauthenticated()

    def _look(self, tx: Transaction, caller: Principal) -> tuple[User, bool]:
        user, session = Users(tx).get(caller.user_id), Sessions(tx).get(caller.session_id)
        if user is None or session is None or not session.is_open(self._clock()):
            raise Unauthenticated()
        return user, self._clock() - session.created_at <= FRESH_SECONDS
