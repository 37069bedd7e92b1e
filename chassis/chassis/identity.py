"""Who is calling: verification of users' access tokens (EdDSA, keys from auth) and of services' tokens (HS256)."""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.utils import base64url_decode
from pydantic import SecretStr

from chassis.clock import Clock, system_clock
from chassis.known_tokens import KnownTokens
from chassis.problems import Unauthenticated, Unavailable

ISSUER = "deepthinks"
AUDIENCE = "deepthinks"
ACCESS_TOKEN_TYPE = "at+jwt"
MAXIMUM_TOKEN_BYTES = 4096
LONGEST_ACCESS_SECONDS = 3600
REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "role", "scope", "jti", "iat", "exp"]

MOST_KNOWN_TOKENS = 5_000

SERVICE_TOKEN_SECONDS = 60
SERVICE_TOKEN_USED_SECONDS = 30
"""So long one token serves for all calls; whoever gets it verifies it once."""
KEYS_PATH = "/.well-known/jwks.json"
KEYS_FRESH_SECONDS = 300.0
KEYS_RETRY_SECONDS = 1.0
KEYS_DEADLINE_SECONDS = 2.0
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638: what every `kid` of auth is
NOT_A_JWKS = (ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError)

log = structlog.get_logger()


class KeysUnavailable(Unavailable):
    code = "identity_unavailable"
    detail = "Sign-in cannot be checked at the moment; try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "1"})


@dataclass(frozen=True)
class Principal:
    """A verified user. `key_id` is set when the token was exchanged for an API key; `token` is what to pass on.

    `expires_at` is in unix seconds.
    """

    user_id: str
    session_id: str
    role: str
    scopes: frozenset[str]
    key_id: str | None
    expires_at: float
    token: str


class KeySource(Protocol):
    """Where public keys come from: auth's JWKS over HTTP, or auth's own."""

    async def find(self, kid: str) -> Ed25519PublicKey | None: ...


class RemoteKeys:
    """Auth's published keys, fetched when first needed, when old, and when a `kid` may be a new one.

    Auth is asked at most once a second. A `kid` that may be new waits for the next answer, together with all others:
    a valid token is never refused because auth was asked a moment ago. Known keys go on being used while auth is down.
    """

    def __init__(self, auth_url: str, http: httpx.AsyncClient, clock: Clock = system_clock) -> None:
        self._url = auth_url.rstrip("/") + KEYS_PATH
        self._http = http
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._answered_at = -math.inf
        self._asked_at = -math.inf
        self._questions = 0
        self._answered = 0  # the newest question that was answered
        self._asking: asyncio.Task[bool] | None = None

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id; None when auth does not publish it. Raises `KeysUnavailable` when auth cannot say."""
        before = self._questions
        may_be_new = THUMBPRINT.fullmatch(kid) is not None
        has_answer = not self._is_due() or await self._ask()
        # An answer to what was asked before us may be older than the key.
        while has_answer and may_be_new and kid not in self._keys and self._answered <= before:
            has_answer = await self._ask()
        if kid not in self._keys and (not self._keys or (may_be_new and not has_answer)):
            raise KeysUnavailable()
        return self._keys.get(kid)

    def _is_due(self) -> bool:
        return self._clock() - self._answered_at > KEYS_FRESH_SECONDS and self._pause() <= 0

    def _pause(self) -> float:
        """Seconds until auth may be asked again; never more than there are between two questions."""
        since = self._clock() - self._asked_at
        return KEYS_RETRY_SECONDS - since if since >= 0 else 0.0  # a clock that was put back must not silence us

    async def _ask(self) -> bool:
        """Joins the question that is under way or puts the next one; whether auth answered."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._fetch())
        return await asyncio.shield(self._asking)  # one who goes away takes it from nobody else

    async def _fetch(self) -> bool:
        await asyncio.sleep(self._pause())
        self._questions += 1
        question = self._questions
        try:
            async with asyncio.timeout(KEYS_DEADLINE_SECONDS):
                answer = await self._http.get(self._url)
            answer.raise_for_status()
            self._keys = parse_keys(answer.json())
        except (TimeoutError, httpx.HTTPError, *NOT_A_JWKS) as error:
            log.warning("keys_not_fetched", error=type(error).__name__)
            return False
        else:
            self._answered, self._answered_at = question, self._clock()
            return True
        finally:
            self._asked_at = self._clock()


def parse_keys(document: Mapping[str, Any]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS by `kid`; anything else in it is passed over."""
    keys = {}
    for entry in document["keys"]:
        if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and "d" not in entry:
            key = jwt.PyJWK(entry, algorithm="EdDSA").key
            if isinstance(key, Ed25519PublicKey):
                keys[entry["kid"]] = key
    return keys


class Identity:
    """Verifies both kinds of token. `secrets` holds one secret for each neighbour that may call us or be called."""

    def __init__(
        self, service: str, keys: KeySource, secrets: Mapping[str, SecretStr], clock: Clock = system_clock
    ) -> None:
        self._service = service
        self._keys = keys
        self._secrets = {name: secret.get_secret_value() for name, secret in secrets.items()}
        self._clock = clock
        self._users: KnownTokens[tuple[Principal, str, Ed25519PublicKey]] = KnownTokens(MOST_KNOWN_TOKENS)
        self._callers: KnownTokens[str] = KnownTokens(MOST_KNOWN_TOKENS)
        self._own_tokens: dict[str, tuple[str, float]] = {}

    async def user(self, token: str) -> Principal:
        """The user behind an access token. Raises `Unauthenticated` for anything but a valid one."""
        if known := self._users.find(token, self._clock()):
            principal, kid, key = known
            if await self._keys.find(kid) is key:  # else auth has taken the key back, or published its keys anew
                return principal
        principal, kid, key = await self._verified(token)
        self._users.keep(token, (principal, kid, key), principal.expires_at)
        return principal

    async def _verified(self, token: str) -> tuple[Principal, str, Ed25519PublicKey]:
        header = _header(token)
        if header.get("typ") != ACCESS_TOKEN_TYPE or header.get("alg") != "EdDSA" or "crit" in header:
            raise Unauthenticated()
        kid = header.get("kid")
        if not isinstance(kid, str) or len(kid) > 64 or (key := await self._keys.find(kid)) is None:
            raise Unauthenticated()
        claims = _decode(token, key, "EdDSA", issuer=ISSUER, audience=AUDIENCE, require=REQUIRED_CLAIMS)
        texts = [claims["sub"], claims["sid"], claims["role"], claims["scope"]]
        if not all(isinstance(text, str) and text for text in texts):
            raise Unauthenticated()
        if _lifetime(claims) > LONGEST_ACCESS_SECONDS:
            raise Unauthenticated()
        principal = Principal(
            user_id=claims["sub"],
            session_id=claims["sid"],
            role=claims["role"],
            scopes=frozenset(claims["scope"].split()),
            key_id=claims.get("key"),
            expires_at=claims["exp"],
            token=token,
        )
        return principal, kid, key

    def service(self, token: str) -> str:
        """The name of the service behind a service token. Raises `Unauthenticated`."""
        if known := self._callers.find(token, self._clock()):
            return known
        claimed = _unverified(token).get("sub")
        secret = self._secrets.get(claimed) if isinstance(claimed, str) else None
        if secret is None:
            raise Unauthenticated()
        require = ["sub", "aud", "iat", "exp"]
        claims = _decode(token, secret, "HS256", issuer=None, audience=self._service, require=require)
        if _lifetime(claims) > SERVICE_TOKEN_SECONDS:
            raise Unauthenticated()
        caller = str(claims["sub"])
        self._callers.keep(token, caller, claims["exp"])
        return caller

    def token_for(self, neighbour: str) -> str:
        """A service token that lets us call `neighbour` for half a minute at least."""
        now = self._clock()
        token, made_at = self._own_tokens.get(neighbour, ("", -math.inf))
        if not 0 <= now - made_at < SERVICE_TOKEN_USED_SECONDS:
            token = service_token(self._service, neighbour, self._secrets[neighbour], now)
            self._own_tokens[neighbour] = token, now
        return token


def service_token(caller: str, callee: str, secret: str, now: float) -> str:
    """What `caller` shows when it calls `callee`, for the next minute; `secret` is that of the two."""
    claims = {"sub": caller, "aud": callee, "iat": int(now), "exp": int(now) + SERVICE_TOKEN_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")


def _header(token: str) -> dict[str, Any]:
    _refuse_ambiguity(token)
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated() from None


def _unverified(token: str) -> dict[str, Any]:
    _refuse_ambiguity(token)
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated() from None


def _refuse_ambiguity(token: str) -> None:
    """A token has one spelling and says nothing twice, so that no two readers can take it for different ones."""
    if len(token) > MAXIMUM_TOKEN_BYTES or "=" in token:
        raise Unauthenticated()
    try:
        for part in token.split(".")[:2]:
            json.loads(base64url_decode(part), object_pairs_hook=_members)
    except (ValueError, RecursionError):
        raise Unauthenticated() from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members


def _lifetime(claims: Mapping[str, Any]) -> float:
    """In seconds. PyJWT takes numbers for these claims also when they are written as text."""
    if not all(isinstance(claims[name], int | float) for name in ("iat", "exp")):
        raise Unauthenticated()
    lifetime: int | float = claims["exp"] - claims["iat"]
    return lifetime


def _decode(
    token: str, key: Any, algorithm: str, *, issuer: str | None, audience: str, require: list[str]
) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            options={"require": require, "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, OverflowError):
        raise Unauthenticated() from None
