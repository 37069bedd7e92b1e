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
    """Who may be meant by an address: its account, else the newest sign-up that waits for its mail to be answered."""

    user: User | None
    pending: PendingSignUp | None
    is_known_there: bool

    @property
    def password_hash(self) -> str | None:
        holder = self.user or self.pending
        return holder.password_hash if holder else None


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
        stored = await self._prove(found, asked, device)
        user = found.user
        if user is None or (self._verifies_email and user.email_verified_at is None):
            await self._verifications.remind(asked.email, found.pending)
            raise EmailNotVerified()
        guest = await self._arrivals.guest(asked.guest_token)
        renewed = await self._passwords.hash(asked.password) if self._passwords.is_outdated(stored) else stored

        def prove(tx: Transaction) -> None:
            # The password may have been changed, or the account deleted, while this one was being compared.
            if not Users(tx).replace_password_hash(user.id, old=stored, new=renewed):
                raise InvalidCredentials()

        return await self._arrivals.arrive(user, device, prove, guest=guest)

    async def _prove(self, found: Found, asked: LogIn, device: Device) -> str:
        """The stored hash that the password belongs to."""
        by_address, by_account = self._throttles.log_ins_by_address, self._throttles.log_ins_by_account
        stored = found.password_hash
        with ExitStack() as attempt:
            attempt.enter_context(by_address.counting(InvalidCredentials, device.address))
            if not found.is_known_there:
                attempt.enter_context(by_account.counting(InvalidCredentials, asked.email))
            matches = await self._passwords.verify(stored, asked.password)
            if stored is None or not matches:
                raise InvalidCredentials()
        return stored

    def _find(self, tx: Transaction, email: str, device: Device) -> Found:
        # Both are looked for whatever there is, so that time does not tell.
        user, pending = Users(tx).with_email(email), PendingSignUps(tx).newest(email, self._clock())
        is_known_there = user is not None and Sessions(tx).knows_address(user.id, device.address)
        return Found(user, None if user else pending, is_known_there)
