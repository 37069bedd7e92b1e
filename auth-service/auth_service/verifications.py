"""Addresses are verified: a sign-up becomes an account, or an account's owner shows that its mailbox is theirs."""

from dataclasses import replace

from auth_service.arrivals import Arrivals
from auth_service.devices import Device
from auth_service.mail import Postman
from auth_service.opaque_tokens import hash_of
from auth_service.problems import EmailTaken, InvalidMailToken
from auth_service.schemas.accounts import VerificationRequested, VerifyEmail
from auth_service.schemas.sign_ins import Tokens
from auth_service.stores.audit import AuditLog
from auth_service.stores.mail_tokens import MailTokens
from auth_service.stores.mails import Mails
from auth_service.stores.pending_sign_ups import PendingSignUp, PendingSignUps
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id


class Verifications:
    def __init__(self, database: Database, arrivals: Arrivals, postman: Postman, clock: Clock) -> None:
        self._database = database
        self._arrivals = arrivals
        self._postman = postman
        self._clock = clock

    async def verify(self, asked: VerifyEmail, device: Device) -> Tokens | None:
        """Begins the account of a sign-up and signs in. The address of an existing account it only marks as verified:
        None, since whoever has the mailbox may not be who made the account. For the same reason an account that several
        sign-ups wait for begins without a password: which of them was the owner's does not show. The owner sets one
        within this sign-in, or by a mail.

        Raises `InvalidMailToken`, `EmailTaken` when somebody else got the address meanwhile, and what a guest token
        raises; then the link stays good.
        """
        guest = await self._arrivals.guest(asked.guest_token)
        token_hash = hash_of(asked.token)
        pending = await self._database.read(lambda tx: self._pending(tx, token_hash))
        if pending is None:
            await self._database.write(lambda tx: self._mark_verified(tx, token_hash, device))
            return None
        now = int(self._clock())
        user = User(
            new_id("user"), "user", pending.email, pending.username, pending.password_hash, now, email_verified_at=now
        )
        return await self._arrivals.arrive(
            user, device, lambda tx: self._begin(tx, token_hash, user), guest=guest, event="signed_up"
        )

    async def resend(self, email: str) -> VerificationRequested:
        """Answers, and costs, the same for every address. Raises `MailNotConfigured`."""
        self._postman.refuse_without_mail()
        await self.remind(email)
        return VerificationRequested(email=email)

    async def remind(self, email: str, pending: PendingSignUp | None = None) -> None:
        """Sends the mail once more: of that sign-up, else of the account or the newest sign-up of the address."""
        if not self._postman.may_ask("verify_email", email):
            return

        def write(tx: Transaction) -> None:
            if pending is None:
                self._postman.owe(tx, "verify_email", email)
            elif PendingSignUps(tx).get(pending.id, self._clock()):
                self._postman.owe(tx, "sign_up", email, pending_id=pending.id)

        await self._database.write(write)

    def _pending(self, tx: Transaction, token_hash: bytes) -> PendingSignUp | None:
        now = self._clock()
        found = MailTokens(tx).find(token_hash, now)
        return PendingSignUps(tx).get(found.pending_id, now) if found and found.pending_id else None

    def _begin(self, tx: Transaction, token_hash: bytes, user: User) -> None:
        """The first to be verified has the address; the other sign-ups that wanted it go, and so do their links."""
        assert user.email is not None
        if MailTokens(tx).take(token_hash, "sign_up", self._clock()) is None:
            raise InvalidMailToken(param="token")
        is_the_only_one = PendingSignUps(tx).count(user.email, self._clock()) == 1
        if not Users(tx).add(user if is_the_only_one else replace(user, password_hash=None)):
            raise EmailTaken()
        end_sign_ups_for(tx, user.email)

    def _mark_verified(self, tx: Transaction, token_hash: bytes, device: Device) -> None:
        now = int(self._clock())
        found = MailTokens(tx).take(token_hash, "verify_email", now)
        if found is None or found.user_id is None or not Users(tx).verify_email(found.user_id, found.email, now):
            raise InvalidMailToken(param="token")
        AuditLog(tx).add("email_verified", found.user_id, now=now, address=device.address)


def end_sign_ups_for(tx: Transaction, email: str) -> None:
    """The first to be verified has the address: what still waits for its mail to be answered waits for nothing."""
    PendingSignUps(tx).remove_to(email)
    Mails(tx).remove_to(email, "verify_email")
