"""Access tokens: short-lived JWTs that say who, in which session, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import jwt

from auth_service.recent import Recent
from auth_service.signing_keys import SigningKeys
from auth_service.stores.users import User
from chassis.clock import Clock
from chassis.identity import ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER
from chassis.ids import new_id

SIGN_IN_SCOPES = "account chat:read chat:write files:read files:write memory:read memory:write usage:read"
"""What whoever signs in may do, guests too."""
OPERATOR_SCOPE = "admin"
"""What operators may do besides."""


MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What a genuine access token says; `session_id` is the key's id in one that was made for an API key."""

    session_id: str
    is_for_key: bool
    expires_at: float


class AccessTokens:
    """Makes them, and remembers those it made or was told of: a signature costs more than all the rest of a check."""

    def __init__(self, keys: SigningKeys, seconds: int, clock: Clock) -> None:
        self.seconds = seconds
        self._keys = keys
        self._clock = clock
        self._known: Recent[bytes, KnownToken] = Recent(MOST_KNOWN)

    def known(self, token: str) -> KnownToken | None:
        """None for one that has expired, too, and for what has yet to be verified."""
        known = self._known.get(_digest(token))
        return known if known and known.expires_at > self._clock() else None

    def learn(self, token: str, known: KnownToken) -> None:
        """Takes in what a verified token says."""
        self._known.put(_digest(token), known)

    def issue(self, user: User, session_id: str) -> str:
        """What a sign-in gets: a token valid from now on for `seconds`."""
        scope = f"{SIGN_IN_SCOPES} {OPERATOR_SCOPE}" if user.role == "operator" else SIGN_IN_SCOPES
        return self._sign({"sub": user.id, "sid": session_id, "role": user.role, "scope": scope}, self.seconds)

    def issue_for_key(self, user_id: str, key_id: str, scopes: str, seconds: int) -> str:
        """What an API key is exchanged for. The key stands for the session; no key makes an operator of anyone."""
        return self._sign({"sub": user_id, "sid": key_id, "role": "user", "scope": scopes, "key": key_id}, seconds)

    def _sign(self, who: Mapping[str, str], seconds: int) -> str:
        now = int(self._clock())
        claims = {"iss": ISSUER, "aud": AUDIENCE, **who, "jti": new_id("tok"), "iat": now, "exp": now + seconds}
        headers = {"typ": ACCESS_TOKEN_TYPE, "kid": self._keys.kid}
        token = jwt.encode(claims, self._keys.key, algorithm="EdDSA", headers=headers)
        self.learn(token, KnownToken(who["sid"], "key" in who, now + seconds))
        return token


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
