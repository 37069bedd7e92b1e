"""Sealing of what the database must not show to whoever copies it."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_service.derivation import derive_key

NONCE_BYTES = 12


class Vault:
    """AES-256-GCM under keys made from secrets, the present one first: it seals, and all of them open."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._ciphers = [AESGCM(derive_key(secret, "vault")) for secret in secrets]

    def seal(self, plain: bytes, about: str) -> bytes:
        """Bound to `about`, the id of its row: moved to another row it does not open."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes | None:
        """None when no present or previous secret sealed it for this row."""
        nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, about.encode())
            except InvalidTag:
                continue
        return None
