"""Access tokens: short-lived JWTs that say who, in which session, and what they may do."""

import jwt

from auth_service.signing_keys import SigningKeys
from auth_service.stores.users import User
from chassis.clock import Clock
from chassis.identity import ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER
from chassis.ids import new_id

SIGN_IN_SCOPES = "account chat:read chat:write files:read files:write memory:read memory:write usage:read"
"""What whoever signs in may do, guests too."""


class AccessTokens:
    def __init__(self, keys: SigningKeys, seconds: int, clock: Clock) -> None:
        self.seconds = seconds
        self._keys = keys
        self._clock = clock

    def issue(self, user: User, session_id: str, scope: str = SIGN_IN_SCOPES) -> str:
        """A token valid from now on for `seconds`."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.id,
            "sid": session_id,
            "role": user.role,
            "scope": scope,
            "jti": new_id("tok"),
            "iat": now,
            "exp": now + self.seconds,
        }
        headers = {"typ": ACCESS_TOKEN_TYPE, "kid": self._keys.kid}
        return jwt.encode(claims, self._keys.key, algorithm="EdDSA", headers=headers)
