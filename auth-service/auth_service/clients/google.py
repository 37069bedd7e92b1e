"""Google's certificates, which verify its ID tokens."""

import asyncio
import json
import math
import re

import httpx
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from auth_service.problems import GoogleUnavailable
from chassis.clock import Clock

DEADLINE_SECONDS = 5.0
MAXIMUM_BYTES = 65_536
MINIMUM_KEY_BITS = 2048

LEAST_FRESH_SECONDS = 300.0
MOST_FRESH_SECONDS = 86_400.0
USABLE_BEYOND_FRESH_SECONDS = 6 * 3600.0
"""How long certificates are good for while Google does not answer. It publishes new ones days before it uses them."""
RETRY_SECONDS = 10.0
NEW_KEY_SECONDS = 60.0
"""How often, at most, a key that we do not know makes us ask: anybody can make one up."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:[\s,]|$)", re.ASCII)

log = structlog.get_logger()


class NoCertificates(ValueError):
    """Google, or whoever answered, sent something else."""


class GoogleCertificates:
    """Fetched when first needed, when old, and when a key may be a new one; everybody waits for the same answer.

    The address is the operator's, redirects lead nowhere, and an answer may be neither long nor slow.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, clock: Clock, *, deadline: float = DEADLINE_SECONDS) -> None:
        self._url = url
        self._deadline = deadline
        self._http = http
        self._clock = clock
        self._certificates: dict[str, str] = {}
        self._fresh_until = -math.inf
        self._asked_at = -math.inf
        self._failed = False
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> str | None:
        """The certificate of that key as PEM; None when Google has no such key. Raises `GoogleUnavailable`."""
        if self._wants_to_ask(key_id):
            await self._ask()
        is_usable = self._clock() < self._fresh_until + USABLE_BEYOND_FRESH_SECONDS
        if is_usable and key_id in self._certificates:
            return self._certificates[key_id]
        if self._failed:
            raise GoogleUnavailable(headers={"retry-after": str(math.ceil(max(self._pause(), 1.0)))})
        return None

    def _wants_to_ask(self, key_id: str) -> bool:
        if self._is_fresh() and key_id in self._certificates:
            return False
        return self._asking is not None or self._pause() <= 0

    def _is_fresh(self) -> bool:
        return self._clock() < self._fresh_until

    def _pause(self) -> float:
        """Seconds until we may ask again; never more than there are between two questions."""
        since = self._clock() - self._asked_at
        pause = NEW_KEY_SECONDS if self._is_fresh() else RETRY_SECONDS
        return pause - since if since >= 0 else 0.0  # a clock that was put back must not silence us

    async def _ask(self) -> None:
        """Joins the question that is under way, or puts the next one."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._fetch(), name="google-certificates")
        await asyncio.shield(self._asking)  # one who goes away takes it from nobody else

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                document, fresh_seconds = await self._download()
            self._certificates = parse_certificates(document)
            self._fresh_until = self._clock() + fresh_seconds
            self._failed = False
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, NoCertificates) as error:
            log.warning("google_certificates_not_fetched", error=type(error).__name__)
            self._failed = True
        finally:
            self._asked_at = self._clock()
            self._asking = None

    async def _download(self) -> tuple[bytes, float]:
        """The document, and for how many seconds it is fresh."""
        plain = {"accept": "application/json", "accept-encoding": "identity"}  # what is packed has no known length
        async with self._http.stream("GET", self._url, headers=plain) as answer:
            if answer.status_code != httpx.codes.OK:
                raise NoCertificates(f"status {answer.status_code}")
            document = bytearray()
            async for piece in answer.aiter_raw():
                document += piece
                if len(document) > MAXIMUM_BYTES:
                    raise NoCertificates("too long")
            return bytes(document), fresh_seconds(answer.headers)


def fresh_seconds(headers: httpx.Headers) -> float:
    """What `cache-control` and `age` leave of it (RFC 9111, 4.2), within our own bounds."""
    said = _MAX_AGE.search(headers.get("cache-control", "").lower())
    age = headers.get("age", "0")
    left = (float(said[1]) if said else 0.0) - (float(age) if age.isdecimal() and age.isascii() else 0.0)
    return min(max(left, LEAST_FRESH_SECONDS), MOST_FRESH_SECONDS)


def parse_certificates(document: bytes) -> dict[str, str]:
    """The RSA certificates in `{key id: PEM}`; anything else in it is passed over. Raises `NoCertificates`."""
    try:
        entries = json.loads(document)
    except (ValueError, RecursionError):
        raise NoCertificates("no JSON") from None
    if not isinstance(entries, dict):
        raise NoCertificates("no object")
    found = {key_id: pem for key_id, pem in entries.items() if isinstance(pem, str) and _is_of_rsa_key(pem)}
    if not found:
        raise NoCertificates("no certificate in it")
    return found


def _is_of_rsa_key(pem: str) -> bool:
    try:
        key = load_pem_x509_certificate(pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, RSAPublicKey) and key.key_size >= MINIMUM_KEY_BITS
