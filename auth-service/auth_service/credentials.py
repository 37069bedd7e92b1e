"""Somebody who is signed in changes what they sign in with: password and e-mail address."""

from typing import Literal

from auth_service.confirmations import Confirmations
from auth_service.devices import Device
from auth_service.mail import Postman
from auth_service.opaque_tokens import hash_of
from auth_service.passwords import Passwords
from auth_service.problems import EmailTaken, InvalidMailToken
from auth_service.schemas.credentials import ChangeEmail, ChangePassword, EmailChange
from auth_service.settings import Settings
from auth_service.sign_ins import SignIns
from auth_service.stores.audit import AuditLog
from auth_service.stores.mail_tokens import MailTokens
from auth_service.stores.pending_sign_ups import PendingSignUps
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal


class Credentials:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        passwords: Passwords,
        confirmations: Confirmations,
        sign_ins: SignIns,
        postman: Postman,
        clock: Clock,
    ) -> None:
        self._database = database
        self._settings = settings
        self._passwords = passwords
        self._confirmations = confirmations
        self._sign_ins = sign_ins
        self._postman = postman
        self._clock = clock

    async def change_password(self, caller: Principal, asked: ChangePassword, device: Device) -> None:
        """Ends every other session and takes back what mails were to change.

        Raises `WeakPassword`, and what `Confirmations.confirm` raises.
        """
        user = await self._confirmations.confirm(caller, asked.current_password, param="current_password")
        email, username = user.email or "", user.username or ""
        self._passwords.refuse_weak(asked.new_password, email=email, username=username, param="new_password")
        new_hash = await self._passwords.hash(asked.new_password)

        def write(tx: Transaction) -> None:
            self._confirmations.recheck(tx, caller, user)
            Users(tx).replace_password_hash(user.id, old=user.password_hash, new=new_hash)
            self._postman.take_back(tx, user)
            self._sign_ins.end_all(tx, user.id, "password_changed", keep=caller.session_id)
            self._notice(tx, "password_changed", user, device)

        await self._database.write(write, frees_space=True)  # a thief is kept out on a full disk too

    async def change_email(self, caller: Principal, asked: ChangeEmail, device: Device) -> EmailChange:
        """Changes it, or, where addresses are verified, sends a link to the new one.

        Raises what `Confirmations.confirm` raises, and `EmailTaken` only where it would be changed at once.
        """
        user = await self._confirmations.confirm(caller, asked.password)
        if asked.email == user.email:
            return EmailChange(status="changed", email=asked.email)
        if self._settings.verifies_email:
            return await self._send_link(caller, user, asked.email)

        def write(tx: Transaction) -> None:
            self._confirmations.recheck(tx, caller, user)
            self._move(tx, user, asked.email, device, verified_at=None, keep=caller.session_id)

        await self._database.write(write)
        return EmailChange(status="changed", email=asked.email)

    async def confirm_email(self, token: str, device: Device) -> EmailChange:
        """Changes the address; the session that asked for it goes on. Raises `InvalidMailToken`, `EmailTaken`."""

        def write(tx: Transaction) -> str:
            now = int(self._clock())
            found = MailTokens(tx).take(hash_of(token), "change_email", now)
            user = Users(tx).get(found.user_id) if found and found.user_id else None
            if found is None or user is None or user.disabled_at is not None:
                raise InvalidMailToken(param="token")
            self._move(tx, user, found.email, device, verified_at=now, keep=found.session_id)
            return found.email

        return EmailChange(status="changed", email=await self._database.write(write))

    async def _send_link(self, caller: Principal, user: User, email: str) -> EmailChange:
        """Does the same whoever has the address; what was asked for earlier is overtaken."""
        may_ask = self._postman.may_ask("change_email", email)

        def write(tx: Transaction) -> None:
            self._confirmations.recheck(tx, caller, user)
            self._postman.take_back_change(tx, user)
            if may_ask:
                self._postman.owe(tx, "change_email", email, user_id=user.id, session_id=caller.session_id)

        await self._database.write(write)
        return EmailChange(status="verification_sent", email=email)

    def _move(
        self, tx: Transaction, user: User, email: str, device: Device, *, verified_at: int | None, keep: str | None
    ) -> None:
        if not Users(tx).change_email(user.id, email, verified_at=verified_at):
            raise EmailTaken(param="email")
        self._postman.take_back(tx, user)
        PendingSignUps(tx).remove_to(email)
        self._sign_ins.end_all(tx, user.id, "email_changed", keep=keep)
        self._notice(tx, "email_changed", user, device)

    def _notice(
        self, tx: Transaction, event: Literal["password_changed", "email_changed"], user: User, device: Device
    ) -> None:
        """Goes to the address that the account had so far."""
        AuditLog(tx).add(event, user.id, now=self._clock(), address=device.address)
        if user.email:
            self._postman.owe(tx, event, user.email, user_id=user.id)
