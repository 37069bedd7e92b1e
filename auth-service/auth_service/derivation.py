"""Keys for one purpose each, made from a secret."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def derive_key(secret: str, purpose: str) -> bytes:
    """HKDF-SHA256: keys of different purposes say nothing about each other or about the secret."""
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=f"deepthinks/auth/{purpose}".encode()).derive(
        secret.encode()
    )
