"""Logging in with e-mail address and password."""

from contextlib import ExitStack
from dataclasses import dataclass

from auth_service.arrivals import Arrivals
from auth_service.devices import Device
from auth_service.passwords import Passwords
from auth_service.problems import EmailNotVerified, InvalidCredentials
from auth_service.schemas.sign_ins import LogIn, Tokens
from auth_service.settings import Settings
from auth_service.stores.pending_sign_ups import PendingSignUp, PendingSignUps
from auth_service.stores.sessions import Sessions
from auth_service.stores.users import User, Users
from auth_service.throttles import Throttles
from auth_service.verifications import Verifications
from chassis.clock import Clock
from chassis.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Found:
    """Who may be meant by an address: its account, and the newest sign-up that waits for its mail to be answered."""

    user: User | None
    pending: PendingSignUp | None
    is_known_there: bool


class LogIns:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        passwords: Passwords,
        arrivals: Arrivals,
        verifications: Verifications,
        throttles: Throttles,
        clock: Clock,
    ) -> None:
        self._database = database
        self._verifies_email = settings.verifies_email
        self._passwords = passwords
        self._arrivals = arrivals
        self._verifications = verifications
        self._throttles = throttles
        self._clock = clock

    async def log_in(self, asked: LogIn, device: Device) -> Tokens:
        """Raises `InvalidCredentials`, after the same work for an unknown address as for a wrong password.

        Only failures count against `TooManyAttempts`, and what is under way. At a network that the account was used
        from, only that network's own count: nobody is kept out of their account by a stranger's guesses. Raises
        `EmailNotVerified`, and sends the mail again, to who knows the password.
        """
        found = await self._database.read(lambda tx: self._find(tx, asked.email, device))
        holder = await self._prove(found, asked, device)
        if isinstance(holder, PendingSignUp):
            await self._verifications.remind(asked.email, holder)
            raise EmailNotVerified()
        user, stored = holder
        if self._verifies_email and user.email_verified_at is None:
            await self._verifications.remind(asked.email)
            raise EmailNotVerified()
        guest = await self._arrivals.guest(asked.guest_token)
        renewed = await self._passwords.hash(asked.password) if self._passwords.is_outdated(stored) else stored

        def prove(tx: Transaction) -> None:
            # The password may have been changed, or the account deleted, while this one was being compared.
            if not Users(tx).replace_password_hash(user.id, old=stored, new=renewed):
                raise InvalidCredentials()

        return await self._arrivals.arrive(user, device, prove, guest=guest)

    async def _prove(self, found: Found, asked: LogIn, device: Device) -> tuple[User, str] | PendingSignUp:
        """Whose password it is: the account with its stored hash, or the sign-up."""
        by_address, by_account = self._throttles.log_ins_by_address, self._throttles.log_ins_by_account
        with ExitStack() as attempt:
            attempt.enter_context(by_address.counting(InvalidCredentials, device.address))
            if not found.is_known_there:
                attempt.enter_context(by_account.counting(InvalidCredentials, asked.email))
            holder = await self._whose(found, asked.password)
            if holder is None:
                raise InvalidCredentials()
        return holder

    async def _whose(self, found: Found, password: str) -> tuple[User, str] | PendingSignUp | None:
        """Where addresses are verified, it is compared with both whatever there is, unless it is the account's.

        Else a sign-up of one's own would tell, by its password, whether the address has an account.
        """
        stored = found.user.password_hash if found.user else None
        if await self._passwords.verify(stored, password) and found.user and stored:
            return found.user, stored
        waiting = found.pending.password_hash if found.pending else None
        if self._verifies_email and await self._passwords.verify(waiting, password):
            return found.pending
        return None

    def _find(self, tx: Transaction, email: str, device: Device) -> Found:
        # Both are looked for whatever there is, so that time does not tell.
        user, pending = Users(tx).with_email(email), PendingSignUps(tx).newest(email, self._clock())
        is_known_there = user is not None and Sessions(tx).knows_address(user.id, device.address)
        return Found(user, pending, is_known_there)
