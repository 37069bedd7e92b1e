"""A stand-in for Google: a server that publishes certificates as Google does, and ID tokens signed with their keys.

google = FakeGoogle()
with serve(google.app) as url:
    settings = Settings(google_client_id=CLIENT_ID, google_certs_url=url + CERTIFICATES_PATH)
    id_token = google.id_token("110169484474386276334", email="ada@example.org", email_verified=True)
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

CLIENT_ID = "1069208-deepthinks.apps.googleusercontent.com"
CERTIFICATES_PATH = "/oauth2/v1/certs"
TOKEN_SECONDS = 3600
CERTIFICATE_DAYS = 16
DRIP_SECONDS = 1.0
LONG = 100_000

Mood = Literal["fine", "error", "hang", "drip", "redirect", "garbage", "no certificates", "long"]


@dataclass
class SigningKey:
    """An RSA key with the certificate that Google would publish for it."""

    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def __post_init__(self) -> None:
        self.certificate = _certificate(self.private)
        self.kid = hashlib.sha1(self.certificate.encode(), usedforsecurity=False).hexdigest()


class FakeGoogle:
    """Publishes two keys and signs with the first, as Google does around a rotation.

    `mood` is how it answers from now on, `requests` how often it was asked.
    """

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys) or [SigningKey(), SigningKey()]
        self.mood: Mood = "fine"
        self.headers = {"cache-control": "public, max-age=22021, must-revalidate, no-transform", "age": "31"}
        self.requests = 0
        self.app = Starlette(routes=[Route(CERTIFICATES_PATH, self._answer)])

    def id_token(
        self,
        subject: str = "110169484474386276334",
        *,
        header: Mapping[str, Any] | None = None,
        key: SigningKey | None = None,
        **claims: Any,
    ) -> str:
        """A valid ID token; keyword arguments replace claims, None removes one."""
        now = int(time.time())
        payload = {
            "iss": "https://accounts.google.com",
            "azp": CLIENT_ID,
            "aud": CLIENT_ID,
            "sub": subject,
            "nbf": now,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": hashlib.sha1(f"{subject}{time.time_ns()}".encode(), usedforsecurity=False).hexdigest(),
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        signer = key or self.keys[0]
        return jwt.encode(payload, signer.private, algorithm="RS256", headers={"kid": signer.kid, **(header or {})})

    def rotate(self) -> None:
        """The second key becomes the one that signs, a new one is published, the old one is gone."""
        self.keys = [self.keys[1], SigningKey()]

    def certificates(self) -> dict[str, str]:
        """The document that Google would publish."""
        return {key.kid: key.certificate for key in self.keys}

    async def _answer(self, request: Request) -> Response:
        self.requests += 1
        match self.mood:
            case "error":
                return JSONResponse(self.certificates(), 500)  # whatever it holds, it is an error
            case "hang":
                await self._hang(request)
            case "drip":
                return StreamingResponse(_drip())
            case "redirect":
                return RedirectResponse(request.url.replace(query="again"))
            case "garbage":
                return Response("<html>captive portal</html>")
            case "no certificates":
                return JSONResponse({"keys": [], "error": {"code": 42}, **dict.fromkeys(self.certificates(), "PEM")})
            case "long":
                return JSONResponse({"padding": "x" * LONG, **self.certificates()})
        return JSONResponse(self.certificates(), headers=self.headers)

    async def _hang(self, request: Request) -> None:
        """Until the mood changes, or whoever asked has given up."""
        while self.mood == "hang" and not await request.is_disconnected():  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0.01)


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(DRIP_SECONDS)


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
