"""A sign-in from begin to end: its session, the rotation of its refresh token, and whether it still holds."""

import os
from dataclasses import dataclass

import structlog

from auth_service.access_tokens import AccessTokens
from auth_service.live_sessions import LiveSessions
from auth_service.problems import InvalidRefreshToken
from auth_service.refresh_tokens import FAMILY_KEY_BYTES, RefreshToken, refresh_token
from auth_service.schemas import Tokens, UserObject
from auth_service.stores.sessions import EndReason, Session, Sessions
from auth_service.stores.users import User, Users
from auth_service.vault import Vault
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id

FIRST = 1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new sign-in: it holds once `session` is stored, in the transaction that stores or checks its user."""

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
        self._live = LiveSessions()

    def begin(self, user: User, user_agent: str | None) -> SignIn:
        """Makes a session and its tokens; storing it is the caller's."""
        now = int(self._clock())
        session_id = new_id("sess")
        family_key = os.urandom(FAMILY_KEY_BYTES)
        session = Session(
            id=session_id,
            user_id=user.id,
            family_key=self._vault.seal(family_key, session_id),
            counter=FIRST,
            rotated_at=now,
            user_agent=user_agent,
            created_at=now,
            last_used_at=now,
            expires_at=now + self._session_seconds,
        )
        return SignIn(session, self._tokens(user, session_id, refresh_token(family_key, session_id, FIRST)))

    async def refresh(self, text: str) -> Tokens:
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
        rotated = await self._database.write(lambda tx: self._rotate(tx, presented, sealed))
        if rotated is None:
            raise InvalidRefreshToken()
        session, user = rotated
        return self._tokens(user, session.id, refresh_token(family_key, session.id, session.counter))

    async def end(self, text: str) -> None:
        """Signs out: ends the session of a genuine refresh token, spent or not. Anything else changes nothing."""
        presented = RefreshToken.parse(text)
        if presented and await self._family_key(presented):
            await self._database.write(lambda tx: self._end(tx, presented.session_id, "signed_out"))

    async def holds(self, session_id: str) -> bool:
        """Whether the session is neither ended nor expired."""
        now = self._clock()
        known = self._live.expires_at(session_id)
        if known is None or 0 < known <= now:  # it may have been refreshed since
            session = await self._database.read(lambda tx: Sessions(tx).get(session_id))
            known = self._live.learn(session_id, session.expires_at) if session and session.is_open(now) else 0
        return known > now

    async def _family_key(self, presented: RefreshToken) -> bytes | None:
        """The opened family key if it proves that we made this token: garbage never reaches the writer."""
        session = await self._database.read(lambda tx: Sessions(tx).get(presented.session_id))
        family_key = self._vault.open(session.family_key, session.id) if session else None
        return family_key if family_key and presented.is_genuine(family_key) else None

    def _rotate(self, tx: Transaction, presented: RefreshToken, sealed: bytes) -> tuple[Session, User] | None:
        now = int(self._clock())
        sessions = Sessions(tx)
        moved = sessions.advance(
            presented.session_id,
            counter=presented.counter,
            family_key=sealed,
            now=now,
            expires_at=now + self._session_seconds,
        )
        session = sessions.get(presented.session_id)
        if session is None or not session.is_open(now):
            return None
        repeated = session.counter == presented.counter + 1 and now - session.rotated_at <= self._grace_seconds
        if not moved and not repeated:
            log.warning("refresh_token_reused", user_id=session.user_id)
            self._end(tx, session.id, "reused")
            return None
        user = Users(tx).get(session.user_id)
        return (session, user) if user else None

    def _end(self, tx: Transaction, session_id: str, reason: EndReason) -> None:
        Sessions(tx).end(session_id, reason=reason, now=int(self._clock()))
        tx.after_commit(lambda: self._live.end(session_id))

    def _tokens(self, user: User, session_id: str, refresh: str) -> Tokens:
        return Tokens(
            access_token=self._access_tokens.issue(user, session_id),
            refresh_token=refresh,
            expires_in=self._access_tokens.seconds,
            user=user_object(user),
        )


def user_object(user: User) -> UserObject:
    """What a user sees of their account."""
    return UserObject(id=user.id, email=user.email, username=user.username, role=user.role, created_at=user.created_at)
