"""Secrets that we hand out and keep only as their hash: links in mails, invitations."""

import secrets
from hashlib import sha256

TOKEN_BYTES = 32


def new_token() -> str:
    """256 random bits, in letters that need no quoting in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """What the database keeps. No salt and no stretching: there is nothing to guess in 256 random bits."""
    return sha256(token.encode()).digest()
