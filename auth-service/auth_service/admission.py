"""The gateway's question: does this credential hold right now?"""

from auth_service.sign_ins import SignIns
from chassis.clock import Clock
from chassis.identity import Identity
from chassis.problems import Unauthenticated


class Admission:
    def __init__(self, identity: Identity, sign_ins: SignIns, clock: Clock) -> None:
        self._identity = identity
        self._sign_ins = sign_ins
        self._clock = clock

    async def admit(self, token: str) -> float:
        """For how many seconds more the token is valid. Raises `Unauthenticated`, also when its session has ended."""
        principal = await self._identity.user(token)
        if not await self._sign_ins.holds(principal.session_id):
            raise Unauthenticated()
        return principal.expires_at - self._clock()
