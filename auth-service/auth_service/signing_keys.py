"""The Ed25519 keys of access tokens: the present one signs, previous ones go on being published and trusted."""

from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.utils import base64url_encode

from auth_service.derivation import derive_key
from auth_service.schemas.signing_keys import JsonWebKey, JsonWebKeySet


class SigningKeys:
    """Made from secrets, the present one first. A `KeySource` for auth's own `Identity`."""

    def __init__(self, secrets: Sequence[str]) -> None:
        private = [Ed25519PrivateKey.from_private_bytes(derive_key(secret, "access-tokens")) for secret in secrets]
        self._public = {thumbprint(key.public_key()): key.public_key() for key in private}
        self.key = private[0]
        self.kid = thumbprint(self.key.public_key())

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of that id."""
        return self._public.get(kid)

    def published(self) -> JsonWebKeySet:
        """What others need in order to verify, and nothing more."""
        return JsonWebKeySet(keys=[JsonWebKey(x=_coordinate(key), kid=kid) for kid, key in self._public.items()])


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638: the hash of the required members in alphabetical order, without white space."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{_coordinate(key)}"}}'
    return base64url_encode(sha256(canonical.encode()).digest()).decode()


def _coordinate(key: Ed25519PublicKey) -> str:
    return base64url_encode(key.public_bytes_raw()).decode()
