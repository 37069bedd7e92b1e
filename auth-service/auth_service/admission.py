"""The gateway's question: does this credential hold right now, and what is passed on for it?"""

from dataclasses import dataclass
from hashlib import sha256

from auth_service.key_exchange import SECRET_PREFIX, KeyExchange
from auth_service.last_uses import LastUses
from auth_service.recent import Recent
from auth_service.sign_ins import SignIns
from chassis.clock import Clock
from chassis.identity import Identity
from chassis.problems import Unauthenticated

MOST_VERIFIED = 20_000


@dataclass(frozen=True, slots=True)
class Admitted:
    """`token` is to be passed on instead of an API key; None when the credential itself is."""

    seconds_left: float
    token: str | None = None


@dataclass(frozen=True, slots=True)
class _Verified:
    """What an access token says. Its signature is checked once: that alone costs more than all the rest."""

    session_id: str
    is_for_key: bool
    expires_at: float


class Admission:
    def __init__(
        self, identity: Identity, sign_ins: SignIns, exchange: KeyExchange, uses: LastUses, clock: Clock
    ) -> None:
        self._identity = identity
        self._sign_ins = sign_ins
        self._exchange = exchange
        self._uses = uses
        self._clock = clock
        self._verified: Recent[bytes, _Verified] = Recent(MOST_VERIFIED)

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

    async def _verify(self, token: str) -> _Verified:
        token_hash = sha256(token.encode()).digest()
        known = self._verified.get(token_hash)
        if known and known.expires_at > self._clock():
            return known
        principal = await self._identity.user(token)
        verified = _Verified(principal.session_id, principal.key_id is not None, principal.expires_at)
        self._verified.put(token_hash, verified)
        return verified
