"""Sealing of users' own keys: nobody who copies the database, or moves a row to another user, gets one out of it."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat_service.stores.provider_keys import SealedKey

CIPHER_KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
SECRET_ID_BYTES = 8


class KeyVault:
    """AES-256-GCM; each record has a cipher key of its own, made from one of the secrets and the record's salt.

    The first secret seals. All of them open, each what was sealed under its id.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = {_id_of(secret): secret for secret in secrets}
        self.secret_id = _id_of(secrets[0])

    def seal(self, key: str, owner: str) -> SealedKey:
        """It opens for this owner only."""
        nonce, salt = os.urandom(NONCE_BYTES), os.urandom(SALT_BYTES)
        ciphertext = self._cipher(self.secret_id, salt).encrypt(nonce, key.encode(), owner.encode())
        return SealedKey(ciphertext, nonce, salt, self.secret_id)

    def open(self, sealed: SealedKey, owner: str) -> str | None:
        """None when its secret is not known here, or it was sealed for somebody else."""
        if sealed.secret_id not in self._secrets:
            return None
        cipher = self._cipher(sealed.secret_id, sealed.salt)
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, owner.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: a nonce of no length
            return None

    def _cipher(self, secret_id: str, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._secrets[secret_id], salt, b"deepthinks/chat/provider-key", CIPHER_KEY_BYTES))


def _id_of(secret: str) -> str:
    """Tells secrets apart and says nothing else about them."""
    return _derive(secret, b"", b"deepthinks/chat/secret-id", SECRET_ID_BYTES).hex()


def _derive(secret: str, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=purpose).derive(secret.encode())
