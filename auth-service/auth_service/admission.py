"""The gateway's question: does this credential hold right now, and what is passed on for it?"""

from dataclasses import dataclass

from auth_service.access_tokens import AccessTokens, KnownToken
from auth_service.key_exchange import SECRET_PREFIX, KeyExchange
from auth_service.last_uses import LastUses
from auth_service.sign_ins import SignIns
from chassis.clock import Clock
from chassis.identity import Identity
from chassis.problems import Unauthenticated


@dataclass(frozen=True, slots=True)
class Admitted:
    """`token` is to be passed on instead of an API key; None when the credential itself is."""

    seconds_left: float
    token: str | None = None


class Admission:
    def __init__(
        self,
        identity: Identity,
        access_tokens: AccessTokens,
        sign_ins: SignIns,
        exchange: KeyExchange,
        uses: LastUses,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._access_tokens = access_tokens
        self._sign_ins = sign_ins
        self._exchange = exchange
        self._uses = uses
        self._clock = clock

    async def admit(self, credential: str) -> Admitted:
        """Raises `Unauthenticated`, also when the session behind a token, or its API key, has ended."""
        if credential.startswith(SECRET_PREFIX):
            exchanged = await self._exchange.exchange(credential)
            self._uses.note(exchanged.key_id)
            return Admitted(exchanged.expires_at - self._clock(), exchanged.token)
        verified = await self._verify(credential)
        holds = self._exchange.holds if verified.is_for_key else self._sign_ins.holds
        if not await holds(verified.session_id):
            raise Unauthenticated()
        self._uses.note(verified.session_id)
        return Admitted(verified.expires_at - self._clock())

    async def _verify(self, token: str) -> KnownToken:
        if known := self._access_tokens.known(token):
            return known
        principal = await self._identity.user(token)
        verified = KnownToken(principal.session_id, principal.key_id is not None, principal.expires_at)
        self._access_tokens.learn(token, verified)
        return verified
