"""Google's ID tokens: whether one is genuine, meant for us and valid now, and what it says about its bearer."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from google.auth import jwt
from pydantic import TypeAdapter, ValidationError

from auth_service.clients.google import GoogleCertificates
from auth_service.problems import GoogleNotConfigured, InvalidGoogleToken
from auth_service.schemas.google import IdTokenClaims
from auth_service.schemas.values import MAXIMUM_USERNAME, Email
from chassis.clock import Clock

ALGORITHM = "RS256"
SKEW_SECONDS = 10
NAMELESS = "Google user"

_SHAPE = re.compile(r"([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PICTURE = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]{0,1900}")
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_MALFORMED = (ValueError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class IdToken:
    """A valid ID token. `email` was verified by Google, `called` perhaps not; neither says who somebody is.

    `digest` is of what is signed: the same signature can be spelled in several ways. `valid_until` is in unix seconds.
    """

    subject: str
    email: str | None
    called: str | None
    username: str
    picture: str | None
    nonce: str
    digest: bytes
    valid_until: int


class IdTokens:
    """Verifies those made for `client_ids`: the front-ends of this place, as Google knows them."""

    def __init__(self, certificates: GoogleCertificates, client_ids: Sequence[str], clock: Clock) -> None:
        self._certificates = certificates
        self._client_ids = client_ids
        self._clock = clock

    def refuse_if_off(self) -> None:
        """Raises `GoogleNotConfigured`."""
        if not self._client_ids:
            raise GoogleNotConfigured()

    async def verify(self, text: str) -> IdToken:
        """Raises `InvalidGoogleToken`, `GoogleUnavailable`, `GoogleNotConfigured`."""
        self.refuse_if_off()
        shape = _SHAPE.fullmatch(text)
        key_id = _key_id(text) if shape else None
        certificate = await self._certificates.find(key_id) if key_id else None
        if shape is None or key_id is None or certificate is None:
            raise InvalidGoogleToken(param="id_token")
        try:
            claims = self._claims(text, {key_id: certificate})
        except _MALFORMED:
            raise InvalidGoogleToken(param="id_token") from None
        if claims.azp not in ("", *self._client_ids) or not self._is_valid_now(claims):
            raise InvalidGoogleToken(param="id_token")
        return _read(claims, sha256(shape[1].encode()).digest())

    def _claims(self, text: str, certificates: Mapping[str, str]) -> IdTokenClaims:
        """google-auth verifies the signature, the audience, and the times by the clock of this machine."""
        verified = jwt.decode(
            text, certs=certificates, audience=list(self._client_ids), clock_skew_in_seconds=SKEW_SECONDS
        )
        return IdTokenClaims.model_validate(verified)

    def _is_valid_now(self, claims: IdTokenClaims) -> bool:
        """By the clock that also says when a spent token is forgotten: what is forgotten is expired."""
        now = self._clock()
        return max(claims.iat, claims.nbf) - SKEW_SECONDS <= now < claims.exp + SKEW_SECONDS


def _key_id(text: str) -> str | None:
    """The key that the token names; None unless it is signed in Google's way. Nothing else in the header is obeyed."""
    try:
        header: Mapping[str, Any] = jwt.decode_header(text)
    except _MALFORMED:
        return None
    key_id = header.get("kid")
    is_googles = header.get("alg") == ALGORITHM and header.get("typ", "JWT") == "JWT" and "crit" not in header
    return key_id if is_googles and isinstance(key_id, str) and _KEY_ID.fullmatch(key_id) else None


def _read(claims: IdTokenClaims, digest: bytes) -> IdToken:
    called = _email(claims.email)
    # Google writes a boolean; its older endpoints wrote text.
    email = called if claims.email_verified is True or claims.email_verified == "true" else None
    return IdToken(
        subject=claims.sub,
        email=email,
        called=called,
        username=_username(claims.name) or _username((email or "").partition("@")[0]) or NAMELESS,
        picture=claims.picture if isinstance(claims.picture, str) and _PICTURE.fullmatch(claims.picture) else None,
        nonce=claims.nonce,
        digest=digest,
        valid_until=claims.exp + SKEW_SECONDS,
    )


def _email(claimed: object) -> str | None:
    """One spelling per address, as for sign-ups; None for what is no address."""
    try:
        return _EMAIL.validate_python(claimed, strict=True)
    except ValidationError:
        return None


def _username(claimed: object) -> str:
    """As much of a name as ours may hold: no line ends, NUL, zero-width or direction marks."""
    text = unicodedata.normalize("NFC", claimed) if isinstance(claimed, str) else ""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:MAXIMUM_USERNAME].strip()
