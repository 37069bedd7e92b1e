"""Forgotten passwords: a link in a mail, good once, sets a new one."""

import math

from auth_service.api_keys import KeyRings
from auth_service.devices import Device
from auth_service.mail import Postman
from auth_service.opaque_tokens import hash_of
from auth_service.passwords import Passwords
from auth_service.problems import InvalidMailToken
from auth_service.schemas.credentials import ResetPassword, ResetRequested
from auth_service.sign_ins import SignIns
from auth_service.stores.audit import AuditLog
from auth_service.stores.identities import Identities
from auth_service.stores.mail_tokens import MailToken, MailTokens
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction


class PasswordResets:
    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sign_ins: SignIns,
        key_rings: KeyRings,
        postman: Postman,
        clock: Clock,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sign_ins = sign_ins
        self._key_rings = key_rings
        self._postman = postman
        self._clock = clock

    async def ask(self, email: str) -> ResetRequested:
        """Answers, and costs, the same for every address. Raises `MailNotConfigured`."""
        self._postman.refuse_without_mail()
        if self._postman.may_ask("reset_password", email):
            await self._database.write(lambda tx: self._postman.owe(tx, "reset_password", email))
        return ResetRequested(email=email)

    async def redeem(self, asked: ResetPassword, device: Device) -> None:
        """Sets the password and ends every session.

        Raises `InvalidMailToken`, and `WeakPassword`: then the link stays good.
        """
        token_hash = hash_of(asked.token)
        user = await self._database.read(lambda tx: _owner(tx, MailTokens(tx).find(token_hash, self._clock())))
        email, username = user.email or "", user.username or ""
        self._passwords.refuse_weak(asked.new_password, email=email, username=username, param="new_password")
        new_hash = await self._passwords.hash(asked.new_password)
        await self._database.write(lambda tx: self._reset(tx, token_hash, new_hash, device), frees_space=True)

    def _reset(self, tx: Transaction, token_hash: bytes, new_hash: str, device: Device) -> None:
        now = int(self._clock())
        user = _owner(tx, MailTokens(tx).take(token_hash, "reset_password", now))
        assert user.email is not None
        self._evict(tx, user)
        Users(tx).verify_email(user.id, user.email, now)  # the link was in that mailbox
        Users(tx).replace_password_hash(user.id, old=user.password_hash, new=new_hash)
        self._postman.take_back(tx, user)
        self._sign_ins.end_all(tx, user.id, "password_changed")
        self._postman.owe(tx, "password_reset", user.email, user_id=user.id)
        AuditLog(tx).add("password_reset", user.id, now=now, address=device.address)

    def _evict(self, tx: Transaction, user: User) -> None:
        """What was attached to the account before anybody had shown the mailbox to be theirs lets nobody in again.

        Whoever made the account may not have been whose address it is, and may have waited until that one verified it.
        """
        verified_at = math.inf if user.email_verified_at is None else user.email_verified_at
        self._key_rings.end_all(tx, user.id, made_before=verified_at)
        for identity in Identities(tx).of_user(user.id):
            if identity.created_at < verified_at:
                Identities(tx).remove(user.id, identity.issuer)


def _owner(tx: Transaction, token: MailToken | None) -> User:
    """Whose password the link resets. Raises `InvalidMailToken`."""
    user = Users(tx).get(token.user_id) if token and token.purpose == "reset_password" and token.user_id else None
    if token is None or user is None or user.email != token.email or user.disabled_at is not None:
        raise InvalidMailToken(param="token")
    return user
