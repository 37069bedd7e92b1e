"""Signing in with Google, and accounts that are linked to it. Who somebody is there never follows from an address."""

from auth_service.accounts import use_invitation
from auth_service.arrivals import Arrivals
from auth_service.confirmations import Confirmations
from auth_service.devices import Device
from auth_service.id_tokens import IdToken, IdTokens
from auth_service.merges import Guest
from auth_service.opaque_tokens import hash_of, new_token
from auth_service.problems import (
    EmailTaken,
    GoogleAccountTaken,
    GoogleAlreadyLinked,
    InvalidGoogleToken,
    LastWayToSignIn,
    SignUpClosed,
)
from auth_service.schemas.google import LinkGoogle, SignInWithGoogle
from auth_service.schemas.sign_ins import Tokens
from auth_service.settings import Settings
from auth_service.stores.audit import AuditLog
from auth_service.stores.google_nonces import GoogleNonces
from auth_service.stores.identities import Identities, LinkedIdentity
from auth_service.stores.spent_id_tokens import SpentIdTokens
from auth_service.stores.users import User, Users
from auth_service.throttles import Throttles
from auth_service.verifications import end_sign_ups_for
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.problems import Unauthenticated

ISSUER = "https://accounts.google.com"
"""Its tokens also spell it without the scheme."""
NONCE_SECONDS = 600


class _Overtaken(Exception):
    """Meanwhile somebody else began, or gave up, the account of this identity."""


class Google:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        id_tokens: IdTokens,
        arrivals: Arrivals,
        confirmations: Confirmations,
        throttles: Throttles,
        clock: Clock,
    ) -> None:
        self._database = database
        self._settings = settings
        self._id_tokens = id_tokens
        self._arrivals = arrivals
        self._confirmations = confirmations
        self._throttles = throttles
        self._clock = clock

    async def nonce(self, device: Device) -> str:
        """Raises `GoogleNotConfigured`, `TooManyAttempts`."""
        self._id_tokens.refuse_if_off()
        self._throttles.google_nonces.take(device.address)
        nonce = new_token()
        now = self._clock()
        await self._database.write(
            lambda tx: GoogleNonces(tx).add(hash_of(nonce), now=now, expires_at=now + NONCE_SECONDS)
        )
        return nonce

    async def sign_in(self, asked: SignInWithGoogle, device: Device) -> Tokens:
        """Raises what `IdTokens.verify` and a guest token raise; for a new account what `_begin` raises too."""
        guest = await self._arrivals.guest(asked.guest_token)
        id_token = await self._id_tokens.verify(asked.id_token)
        while True:
            known = await self._database.read(lambda tx: _account(tx, id_token))
            try:
                if known is None:
                    return await self._begin(id_token, asked.invitation, device, guest)
                return await self._enter(known, id_token, device, guest)
            except _Overtaken:
                continue

    async def link(self, caller: Principal, asked: LinkGoogle, device: Device) -> None:
        """Lets a Google account into the caller's; again, with a new ID token, changes nothing.

        Raises what `IdTokens.verify` and `Confirmations.confirm` raise, `GoogleAccountTaken`, `GoogleAlreadyLinked`.
        """
        id_token = await self._id_tokens.verify(asked.id_token)
        user = await self._confirmations.confirm(caller, asked.password)

        def write(tx: Transaction) -> None:
            self._confirmations.recheck(tx, caller, user)
            self._spend(tx, id_token)
            linked = Identities(tx).find(ISSUER, id_token.subject)
            if linked and linked.user_id != user.id:
                raise GoogleAccountTaken()
            if linked:
                return
            if not Identities(tx).add(self._identity(id_token, user.id)):
                raise GoogleAlreadyLinked()
            AuditLog(tx).add("google_linked", user.id, now=self._clock(), address=device.address)

        await self._database.write(write)

    async def unlink(self, caller: Principal, device: Device) -> None:
        """Where nothing is linked, nothing happens. Raises `LastWayToSignIn` without a password."""

        def write(tx: Transaction) -> None:
            user = Users(tx).get(caller.user_id)
            if user is None:
                raise Unauthenticated()
            if Identities(tx).remove(user.id, ISSUER):
                if user.password_hash is None:
                    raise LastWayToSignIn()
                AuditLog(tx).add("google_unlinked", user.id, now=self._clock(), address=device.address)

        await self._database.write(write)

    async def identities(self, caller: Principal) -> list[LinkedIdentity]:
        return await self._database.read(lambda tx: Identities(tx).of_user(caller.user_id))

    async def _enter(self, user: User, id_token: IdToken, device: Device, guest: Guest | None) -> Tokens:
        def prove(tx: Transaction) -> None:
            linked = Identities(tx).find(ISSUER, id_token.subject)
            if linked is None or linked.user_id != user.id:
                raise _Overtaken
            self._spend(tx, id_token)

        return await self._arrivals.arrive(user, device, prove, guest=guest)

    async def _begin(self, id_token: IdToken, invitation: str | None, device: Device, guest: Guest | None) -> Tokens:
        """A new account. Raises `SignUpClosed`, `InvalidInvitation`, `TooManyAttempts` and `EmailTaken`."""
        if self._settings.signup == "closed":
            raise SignUpClosed()
        self._throttles.sign_ups.take(device.address)
        user = _new_user(id_token, int(self._clock()))

        def prove(tx: Transaction) -> None:
            if Identities(tx).find(ISSUER, id_token.subject):
                raise _Overtaken
            self._spend(tx, id_token)
            if self._settings.signup == "invite":
                # One that is for an address lets in nobody whose address Google has not verified.
                use_invitation(tx, invitation, user.email or "", user.created_at)
            if not Users(tx).add(user):
                # Whoever began that account need not be who has the address: nobody is let into it by an address.
                raise EmailTaken(
                    "There is an account with this e-mail address already; log in to it, then link Google.",
                    param="id_token",
                )
            Identities(tx).add(self._identity(id_token, user.id))
            if user.email:
                end_sign_ups_for(tx, user.email)

        return await self._arrivals.arrive(user, device, prove, guest=guest, event="signed_up")

    def _spend(self, tx: Transaction, id_token: IdToken) -> None:
        """An ID token is good once: by our nonce in it, or, without one, by itself."""
        now = self._clock()
        if id_token.nonce:
            is_first = GoogleNonces(tx).use(hash_of(id_token.nonce), now)
        else:
            is_first = SpentIdTokens(tx).add(id_token.digest, now=now, expires_at=id_token.valid_until)
        if not is_first:
            raise InvalidGoogleToken(param="id_token")

    def _identity(self, id_token: IdToken, user_id: str) -> LinkedIdentity:
        return LinkedIdentity(new_id("ident"), ISSUER, id_token.subject, user_id, id_token.called, int(self._clock()))


def _new_user(id_token: IdToken, now: int) -> User:
    return User(
        id=new_id("user"),
        role="user",
        email=id_token.email,
        username=id_token.username,
        password_hash=None,
        created_at=now,
        email_verified_at=now if id_token.email else None,
        picture=id_token.picture,
    )


def _account(tx: Transaction, id_token: IdToken) -> User | None:
    linked = Identities(tx).find(ISSUER, id_token.subject)
    return Users(tx).get(linked.user_id) if linked else None
