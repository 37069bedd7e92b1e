"""Who is calling: verification of users' access tokens (EdDSA, keys from auth) and of services' tokens (HS256)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import SecretStr

from chassis.clock import Clock, system_clock
from chassis.problems import Unauthenticated, Unavailable

ISSUER = "deepthinks"
AUDIENCE = "deepthinks"
ACCESS_TOKEN_TYPE = "at+jwt"
MAXIMUM_TOKEN_BYTES = 4096
LONGEST_ACCESS_SECONDS = 3600
REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "role", "scope", "jti", "iat", "exp"]

SERVICE_TOKEN_SECONDS = 60
KEYS_PATH = "/.well-known/jwks.json"
KEYS_FRESH_SECONDS = 300.0
KEYS_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class KeysUnavailable(Unavailable):
    code = "identity_unavailable"
    detail = "Sign-in cannot be checked at the moment; try again shortly."


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
    """Auth's published keys, fetched when first needed, refreshed when old or when a `kid` is unknown.

    Old keys go on being used while auth is down. Raises `KeysUnavailable` when none were ever fetched.
    """

    def __init__(self, auth_url: str, http: httpx.AsyncClient, clock: Clock = system_clock) -> None:
        self._url = auth_url.rstrip("/") + KEYS_PATH
        self._http = http
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = 0.0
        self._tried_at = 0.0
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id; None when auth does not publish it."""
        if kid not in self._keys or self._clock() - self._fetched_at > KEYS_FRESH_SECONDS:
            async with self._lock:
                # A flood of unknown ids must not become a flood of requests to auth.
                if self._clock() - self._tried_at > KEYS_RETRY_SECONDS:
                    await self._fetch()
                    self._tried_at = self._clock()
        if not self._keys:
            raise KeysUnavailable()
        return self._keys.get(kid)

    async def _fetch(self) -> None:
        try:
            answer = await self._http.get(self._url, timeout=2.0)
            answer.raise_for_status()
            self._keys = parse_keys(answer.json())
            self._fetched_at = self._clock()
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, jwt.PyJWTError) as error:
            log.warning("keys_not_fetched", error=type(error).__name__)


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

    async def user(self, token: str) -> Principal:
        """The user behind an access token. Raises `Unauthenticated` for anything but a valid one."""
        header = _header(token)
        if header.get("typ") != ACCESS_TOKEN_TYPE or header.get("alg") != "EdDSA" or "crit" in header:
            raise Unauthenticated()
        kid = header.get("kid")
        key = await self._keys.find(kid) if isinstance(kid, str) and len(kid) <= 64 else None
        if key is None:
            raise Unauthenticated()
        claims = _decode(token, key, "EdDSA", issuer=ISSUER, audience=AUDIENCE, require=REQUIRED_CLAIMS)
        texts = [claims["sub"], claims["sid"], claims["role"], claims["scope"]]
        if not all(isinstance(text, str) and text for text in texts):
            raise Unauthenticated()
        times = [claims["iat"], claims["exp"]]
        if not all(isinstance(time, int | float) for time in times) or times[1] - times[0] > LONGEST_ACCESS_SECONDS:
            raise Unauthenticated()
        return Principal(
            user_id=claims["sub"],
            session_id=claims["sid"],
            role=claims["role"],
            scopes=frozenset(claims["scope"].split()),
            key_id=claims.get("key"),
            expires_at=claims["exp"],
            token=token,
        )

    def service(self, token: str) -> str:
        """The name of the service behind a service token. Raises `Unauthenticated`."""
        claimed = _unverified(token).get("sub")
        secret = self._secrets.get(claimed) if isinstance(claimed, str) else None
        if secret is None:
            raise Unauthenticated()
        require = ["sub", "aud", "iat", "exp"]
        claims = _decode(token, secret, "HS256", issuer=None, audience=self._service, require=require)
        if claims["exp"] - claims["iat"] > SERVICE_TOKEN_SECONDS:
            raise Unauthenticated()
        return str(claims["sub"])

    def token_for(self, neighbour: str) -> str:
        """A service token that lets us call `neighbour` for the next minute."""
        now = int(self._clock())
        claims = {"sub": self._service, "aud": neighbour, "iat": now, "exp": now + SERVICE_TOKEN_SECONDS}
        return jwt.encode(claims, self._secrets[neighbour], algorithm="HS256")


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_TOKEN_BYTES:
        raise Unauthenticated()
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated() from None


def _unverified(token: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_TOKEN_BYTES:
        raise Unauthenticated()
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated() from None


def _decode(
    token: str, key: Any, algorithm: str, *, issuer: str | None, audience: str, require: list[str]
) -> dict[str, Any]:
    try:
        return jwt.decode(
            token, key, algorithms=[algorithm], issuer=issuer, audience=audience, options={"require": require}
        )
    except (jwt.PyJWTError, ValueError, OverflowError):
        raise Unauthenticated() from None
