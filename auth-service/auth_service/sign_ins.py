"""A sign-in from begin to end: its session, the rotation of its refresh token, and whether it still holds."""

import os
from dataclasses import dataclass

import structlog

from auth_service.access_tokens import AccessTokens
from auth_service.devices import Device
from auth_service.lifetimes import ENDED, Lifetimes
from auth_service.problems import InvalidRefreshToken, SessionNotFound
from auth_service.refresh_tokens import FAMILY_KEY_BYTES, RefreshToken, refresh_token
from auth_service.schemas.sign_ins import Tokens, UserObject
from auth_service.stores.audit import Actor, AuditLog
from auth_service.stores.sessions import EndReason, Session, Sessions
from auth_service.stores.users import User, Users
from auth_service.vault import Vault
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.pages import PageQuery

FIRST = 1
MOST_SESSIONS = 100
"""Of one user, that hold at the same time; as many ended ones are remembered."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new sign-in: it holds once it is kept, in the transaction that stores or checks its user."""

    session: Session
    tokens: Tokens


class SignIns:
    def __init__(
        self,
        database: Database,
        access_tokens: AccessTokens,
        vault: Vault,
        *,
        session_seconds: int,
        grace_seconds: int,
        clock: Clock,
    ) -> None:
        self._database = database
        self._access_tokens = access_tokens
        self._vault = vault
        self._session_seconds = session_seconds
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._lifetimes = Lifetimes()

    def begin(self, user: User, device: Device) -> SignIn:
        """Makes a session and its tokens; that it is kept is the caller's."""
        now = int(self._clock())
        session_id = new_id("sess")
        family_key = os.urandom(FAMILY_KEY_BYTES)
        session = Session(
            id=session_id,
            user_id=user.id,
            family_key=self._vault.seal(family_key, session_id),
            counter=FIRST,
            rotated_at=now,
            user_agent=device.user_agent,
            address=device.address,
            created_at=now,
            last_used_at=now,
            expires_at=now + self._session_seconds,
        )
        return SignIn(session, self._tokens(user, session_id, refresh_token(family_key, session_id, FIRST)))

    def keep(self, tx: Transaction, sign_in: SignIn) -> None:
        """Stores it. Where it would be one more than `MOST_SESSIONS`, the one that was used least recently ends."""
        now = self._clock()
        sessions, user_id = Sessions(tx), sign_in.session.user_id
        for displaced in sessions.open_of(user_id, now)[MOST_SESSIONS - 1 :]:
            self._end(tx, displaced, "displaced", "system")
        sessions.forget_ended(user_id, now, keep=MOST_SESSIONS)
        session = sign_in.session
        sessions.add(session)
        tx.after_commit(lambda: self._begun(session))

    async def refresh(self, text: str, device: Device) -> Tokens:
        """The next tokens of a session; the same refresh token again when a refresh is repeated within the grace.

        Any other use of a spent refresh token ends the session: one of the two who had it is a thief. Raises
        `InvalidRefreshToken`.
        """
        presented = RefreshToken.parse(text)
        family_key = await self._family_key(presented) if presented else None
        if presented is None or family_key is None:
            raise InvalidRefreshToken()
        # Sealed anew each time, so that living sessions move on to the present secret before the previous one goes.
        sealed = self._vault.seal(family_key, presented.session_id)
        # It adds no row: whoever is signed in stays so on a full disk, to delete something there.
        rotated = await self._database.write(lambda tx: self._rotate(tx, presented, sealed, device), frees_space=True)
        if rotated is None:
            raise InvalidRefreshToken()
        session, user = rotated
        return self._tokens(user, session.id, refresh_token(family_key, session.id, session.counter))

    async def end(self, text: str) -> None:
        """Signs out: ends the session of a genuine refresh token, spent or not. Anything else changes nothing."""
        presented = RefreshToken.parse(text)
        if presented is None or await self._family_key(presented) is None:
            return

        def write(tx: Transaction) -> None:
            if session := Sessions(tx).get(presented.session_id):
                self._end(tx, session, "signed_out")

        await self._database.write(write, frees_space=True)

    def end_all(
        self, tx: Transaction, user_id: str, reason: EndReason, *, keep: str | None = None, actor: Actor = "user"
    ) -> int:
        """Ends every session of a user but `keep`, as part of the caller's transaction; returns how many."""
        others = [session for session in Sessions(tx).open_of(user_id, self._clock()) if session.id != keep]
        for session in others:
            self._end(tx, session, reason, actor)
        return len(others)

    async def revoke(self, user_id: str, session_id: str) -> None:
        """Ends one of the user's sessions. Raises `SessionNotFound`."""

        def write(tx: Transaction) -> None:
            session = Sessions(tx).get(session_id)
            if session is None or session.user_id != user_id or not session.is_open(self._clock()):
                raise SessionNotFound()
            self._end(tx, session, "revoked")

        await self._database.write(write, frees_space=True)

    async def revoke_all(self, user_id: str, *, keep: str | None = None) -> None:
        """Ends every session of the user but `keep`."""
        await self._database.write(lambda tx: self.end_all(tx, user_id, "revoked", keep=keep), frees_space=True)

    async def page(self, user_id: str, page: PageQuery) -> list[Session]:
        """The user's sessions that hold; one more than asked for, if there are more."""
        now = self._clock()
        return await self._database.read(
            lambda tx: Sessions(tx).page(user_id, now, after=page.after, order=page.order, count=page.limit + 1)
        )

    async def holds(self, session_id: str) -> bool:
        """Whether the session is neither ended nor expired."""
        now = self._clock()
        until = self._lifetimes.until(session_id)
        if until is None or ENDED < until <= now:  # it may have been refreshed since
            session = await self._database.read(lambda tx: Sessions(tx).get(session_id))
            until = self._lifetimes.learn(session_id, session.expires_at) if session and session.is_open(now) else ENDED
        return until > now

    async def _family_key(self, presented: RefreshToken) -> bytes | None:
        """The opened family key if it proves that we made this token: garbage never reaches the writer."""
        session = await self._database.read(lambda tx: Sessions(tx).get(presented.session_id))
        family_key = self._vault.open(session.family_key, session.id) if session else None
        return family_key if family_key and presented.is_genuine(family_key) else None

    def _begun(self, session: Session) -> None:
        self._lifetimes.learn(session.id, session.expires_at)

    def _rotate(
        self, tx: Transaction, presented: RefreshToken, sealed: bytes, device: Device
    ) -> tuple[Session, User] | None:
        now = int(self._clock())
        sessions = Sessions(tx)
        moved = sessions.advance(
            presented.session_id,
            counter=presented.counter,
            family_key=sealed,
            user_agent=device.user_agent,
            address=device.address,
            now=now,
            expires_at=now + self._session_seconds,
        )
        session = sessions.get(presented.session_id)
        if session is None or not session.is_open(now):
            return None
        repeated = session.counter == presented.counter + 1 and now - session.rotated_at <= self._grace_seconds
        if not moved and not repeated:
            log.warning("refresh_token_reused", user_id=session.user_id)
            self._end(tx, session, "reused")
            return None
        user = Users(tx).get(session.user_id)
        if user is None or user.disabled_at is not None:
            raise InvalidRefreshToken()  # which takes the step back
        return session, user

    def _end(self, tx: Transaction, session: Session, reason: EndReason, actor: Actor = "user") -> None:
        now = self._clock()
        if Sessions(tx).end(session.id, reason=reason, now=int(now)):
            event = f"session_ended:{reason}"
            AuditLog(tx).add(event, session.user_id, now=now, actor=actor, subject=session.id, address=session.address)
        tx.after_commit(lambda: self._lifetimes.end(session.id))

    def _tokens(self, user: User, session_id: str, refresh: str) -> Tokens:
        return Tokens(
            access_token=self._access_tokens.issue(user, session_id),
            refresh_token=refresh,
            expires_in=self._access_tokens.seconds,
            user=user_object(user),
        )


def user_object(user: User) -> UserObject:
    """What a user sees of their account."""
    return UserObject(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        username=user.username,
        picture=user.picture,
        role=user.role,
        created_at=user.created_at,
    )
