"""What operators do to accounts, by the command line. They see who somebody is, never what somebody said."""

import secrets
from dataclasses import asdict, replace

from auth_service.api_keys import KeyRings
from auth_service.deletions import Deletions, Receipt
from auth_service.opaque_tokens import hash_of, new_token
from auth_service.passwords import Passwords
from auth_service.problems import AccountNotFound, EmailTaken
from auth_service.schemas.operators import (
    AccountDetails,
    AuditObject,
    CreateAccount,
    CreatedAccount,
    Invitation,
    Invite,
    Revoke,
    Revoked,
)
from auth_service.sign_ins import SignIns
from auth_service.stores.api_keys import ApiKeys
from auth_service.stores.audit import AuditLog
from auth_service.stores.identities import Identities
from auth_service.stores.invitations import Invitations
from auth_service.stores.sessions import Sessions
from auth_service.stores.users import Role, User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id

PASSWORD_BYTES = 15


class Operators:
    """`account` is an e-mail address or a user's id everywhere; an unknown one raises `AccountNotFound`."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sign_ins: SignIns,
        key_rings: KeyRings,
        deletions: Deletions,
        clock: Clock,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sign_ins = sign_ins
        self._key_rings = key_rings
        self._deletions = deletions
        self._clock = clock

    async def create(self, asked: CreateAccount) -> CreatedAccount:
        """An account that needs no verification. Raises `WeakPassword`, `EmailTaken`."""
        made = None if asked.password else secrets.token_urlsafe(PASSWORD_BYTES)
        password = asked.password or made or ""
        self._passwords.refuse_weak(password, email=asked.email, username=asked.username)
        password_hash = await self._passwords.hash(password)
        now = int(self._clock())
        user = User(new_id("user"), asked.role, asked.email, asked.username, password_hash, now, email_verified_at=now)

        def write(tx: Transaction) -> AccountDetails:
            if not Users(tx).add(user):
                raise EmailTaken(param="email")
            self._audit(tx, f"account_created:{user.role}", user)
            return self._details(tx, user)

        return CreatedAccount(account=await self._database.write(write), password=made)

    async def show(self, account: str) -> AccountDetails:
        """Who that is."""
        return await self._database.read(lambda tx: self._details(tx, _found(tx, account)))

    async def disable(self, account: str) -> AccountDetails:
        """Ends every session and key, and refuses every sign-in until it is enabled again."""

        def write(tx: Transaction) -> AccountDetails:
            user = replace(_found(tx, account), disabled_at=int(self._clock()))
            if Users(tx).set_disabled(user.id, user.disabled_at):
                self._sign_ins.end_all(tx, user.id, "disabled", actor="operator")
                self._key_rings.end_all(tx, user.id, actor="operator")
                self._audit(tx, "account_disabled", user)
            return self._details(tx, user)

        return await self._database.write(write, frees_space=True)

    async def enable(self, account: str) -> AccountDetails:
        """Its owner may sign in again, and has to."""

        def write(tx: Transaction) -> AccountDetails:
            user = replace(_found(tx, account), disabled_at=None)
            if Users(tx).set_disabled(user.id, None):
                self._audit(tx, "account_enabled", user)
            return self._details(tx, user)

        return await self._database.write(write)

    async def set_role(self, account: str, role: Role) -> AccountDetails:
        """Felt at once: sessions end, since their access tokens say the former role."""

        def write(tx: Transaction) -> AccountDetails:
            user = _found(tx, account)
            if user.role == "guest":
                raise AccountNotFound("A guest has no role to give; it signs up first.")
            if user.role != role:
                Users(tx).set_role(user.id, role)
                self._sign_ins.end_all(tx, user.id, "revoked", actor="operator")
                self._audit(tx, f"role_changed:{role}", user)
            return self._details(tx, replace(user, role=role))

        return await self._database.write(write, frees_space=True)

    async def revoke(self, asked: Revoke) -> Revoked:
        """Ends sessions and keys of an account."""

        def write(tx: Transaction) -> Revoked:
            user = _found(tx, asked.account)
            sessions = self._sign_ins.end_all(tx, user.id, "revoked", actor="operator") if asked.sessions else 0
            keys = self._key_rings.end_all(tx, user.id, actor="operator") if asked.keys else 0
            return Revoked(sessions=sessions, keys=keys)

        return await self._database.write(write, frees_space=True)

    async def delete(self, account: str) -> tuple[Receipt, str]:
        """Deletes an account as its owner could; returns the receipt and its token."""

        def find(tx: Transaction) -> str:
            user = _found(tx, account)
            if user.merged_into:
                raise AccountNotFound(f"This guest became {user.merged_into}, which has everything it made.")
            return user.id

        return await self._deletions.delete(find, "operator")

    async def invite(self, asked: Invite) -> Invitation:
        """Lets one person sign up where SIGNUP=invite."""
        code, now = new_token(), int(self._clock())
        expires_at = now + asked.valid_seconds

        def write(tx: Transaction) -> None:
            Invitations(tx).add(hash_of(code), email=asked.email, now=now, expires_at=expires_at)
            AuditLog(tx).add("invited", None, now=now, actor="operator")

        await self._database.write(write)
        return Invitation(code=code, expires_at=expires_at)

    async def audit(self, account: str | None, limit: int) -> list[AuditObject]:
        """The newest entries of the audit log, of one account or of all; a deleted one is named by its id."""

        def read(tx: Transaction) -> list[AuditObject]:
            user = _lookup(tx, account) if account else None
            entries = AuditLog(tx).page(user.id if user else account, limit)
            return [AuditObject.model_validate(asdict(entry)) for entry in entries]

        return await self._database.read(read)

    def _details(self, tx: Transaction, user: User) -> AccountDetails:
        now = self._clock()
        sessions = Sessions(tx).open_of(user.id, now)
        return AccountDetails(
            id=user.id,
            role=user.role,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            username=user.username,
            has_password=user.password_hash is not None,
            google=[identity.email for identity in Identities(tx).of_user(user.id)],
            created_at=user.created_at,
            disabled_at=user.disabled_at,
            merged_into=user.merged_into,
            sessions=len(sessions),
            keys=ApiKeys(tx).count(user.id),
            last_used_at=sessions[0].last_used_at if sessions else None,
        )

    def _audit(self, tx: Transaction, event: str, user: User) -> None:
        AuditLog(tx).add(event, user.id, now=self._clock(), actor="operator")


def _lookup(tx: Transaction, account: str) -> User | None:
    return Users(tx).with_email(account.strip().lower()) if "@" in account else Users(tx).get(account)


def _found(tx: Transaction, account: str) -> User:
    user = _lookup(tx, account)
    if user is None:
        raise AccountNotFound(param="account")
    return user
