"""Accounts begin: by signing up, or by coming in as a guest. Their owners say what they are called."""

from auth_service.arrivals import Arrivals
from auth_service.devices import Device
from auth_service.mail import Postman
from auth_service.opaque_tokens import hash_of
from auth_service.passwords import Passwords
from auth_service.problems import EmailTaken, GuestsOff, InvalidInvitation, SignUpClosed
from auth_service.schemas.accounts import ChangeProfile, VerificationSent
from auth_service.schemas.sign_ins import SignUp, Tokens, UserObject
from auth_service.settings import DAY, Settings
from auth_service.sign_ins import user_object
from auth_service.stores.invitations import Invitations
from auth_service.stores.pending_sign_ups import PendingSignUp, PendingSignUps
from auth_service.stores.users import User, Users
from auth_service.throttles import Throttles
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.problems import Unauthenticated

PENDING_SECONDS = 3 * DAY
"""Longer than a mail is tried, and than its link is good: it can be asked for again."""


class Accounts:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        passwords: Passwords,
        arrivals: Arrivals,
        postman: Postman,
        throttles: Throttles,
        clock: Clock,
    ) -> None:
        self._database = database
        self._settings = settings
        self._passwords = passwords
        self._arrivals = arrivals
        self._postman = postman
        self._throttles = throttles
        self._clock = clock

    async def sign_up(self, asked: SignUp, device: Device) -> Tokens | VerificationSent:
        """Begins the account, or, where addresses are verified, sends the mail that it begins with.

        Raises `SignUpClosed`, `TooManyAttempts`, `WeakPassword`, `InvalidInvitation`, and what a guest token raises;
        `EmailTaken` only where the account would begin at once: otherwise nobody learns who has one.
        """
        if self._settings.signup == "closed":
            raise SignUpClosed()
        self._throttles.sign_ups.take(device.address)
        self._passwords.refuse_weak(asked.password, email=asked.email, username=asked.username)
        guest = await self._arrivals.guest(asked.guest_token)
        await self._refuse_uninvited(asked)
        password_hash = await self._passwords.hash(asked.password)
        if self._settings.verifies_email:
            return await self._wait_for_mail(asked, password_hash)
        user = User(new_id("user"), "user", asked.email, asked.username, password_hash, int(self._clock()))

        def store(tx: Transaction) -> None:
            if not Users(tx).add(user):
                raise EmailTaken(param="email")
            self._use_invitation(tx, asked)

        return await self._arrivals.arrive(user, device, store, guest=guest, event="signed_up")

    async def enter_as_guest(self, device: Device) -> Tokens:
        """A real principal without a name. Raises `GuestsOff`, `TooManyAttempts`."""
        if self._settings.guests == "off":
            raise GuestsOff()
        self._throttles.guests.take(device.address)
        guest = User(new_id("user"), "guest", None, None, None, int(self._clock()))

        def store(tx: Transaction) -> None:
            Users(tx).add(guest)

        return await self._arrivals.arrive(guest, device, store, event="guest_entered")

    async def account(self, user_id: str) -> UserObject:
        """What a signed-in user sees of themselves. Raises `Unauthenticated` when the account is gone."""
        user = await self._database.read(lambda tx: Users(tx).get(user_id))
        if user is None:
            raise Unauthenticated()
        return user_object(user)

    async def change_profile(self, user_id: str, asked: ChangeProfile) -> UserObject:
        """Raises `Unauthenticated` when the account is gone."""

        def write(tx: Transaction) -> None:
            if user := Users(tx).get(user_id):
                profile = {"username": user.username, "picture": user.picture} | asked.model_dump(exclude_unset=True)
                Users(tx).change_profile(user_id, **profile)

        await self._database.write(write)
        return await self.account(user_id)

    async def _wait_for_mail(self, asked: SignUp, password_hash: str) -> VerificationSent:
        """Does the same whoever has the address: what the mail says is decided when it is sent.

        It is kept also when the mailbox gets no more mail for a while: the link in a mail that a stranger's sign-ups
        brought must not begin an account with the stranger's password (see `Verifications.verify`).
        """
        now = int(self._clock())
        pending_id = await self._earlier(asked, now) or new_id("pending")
        pending = PendingSignUp(pending_id, asked.email, asked.username, password_hash, now, now + PENDING_SECONDS)
        may_ask = self._postman.may_ask("sign_up", asked.email)

        def write(tx: Transaction) -> None:
            self._use_invitation(tx, asked)
            PendingSignUps(tx).keep(pending)
            if may_ask:
                self._postman.owe(tx, "sign_up", asked.email, pending_id=pending.id)

        await self._database.write(write)
        return VerificationSent(email=asked.email)

    async def _earlier(self, asked: SignUp, now: int) -> str | None:
        """The id of the newest sign-up that waits for the same mailbox if it has the same password: it is repeated."""
        newest = await self._database.read(lambda tx: PendingSignUps(tx).newest(asked.email, now))
        matches = await self._passwords.verify(newest.password_hash if newest else None, asked.password)
        return newest.id if newest and matches else None

    async def _refuse_uninvited(self, asked: SignUp) -> None:
        """Before the password costs anything."""
        if self._settings.signup == "invite":
            code_hash, now = hash_of(asked.invitation or ""), int(self._clock())
            is_good = await self._database.read(
                lambda tx: Invitations(tx).is_good(code_hash, email=asked.email, now=now)
            )
            if not is_good:
                raise InvalidInvitation(param="invitation")

    def _use_invitation(self, tx: Transaction, asked: SignUp) -> None:
        if self._settings.signup == "invite":
            use_invitation(tx, asked.invitation, asked.email, int(self._clock()))


def use_invitation(tx: Transaction, code: str | None, email: str, now: int) -> None:
    """Spends it with the sign-up that it lets in. Raises `InvalidInvitation`."""
    if not Invitations(tx).use(hash_of(code or ""), email=email, now=now):
        raise InvalidInvitation(param="invitation")
