"""Credentials of every kind, made with the running system's own secrets or with somebody else's."""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dotenv import dotenv_values
from jwt.utils import base64url_decode, base64url_encode

from auth_service.operator_door import OperatorDoor
from auth_service.signing_keys import SigningKeys
from chassis.testing import service_token
from dev.stack import Stack

Json = Mapping[str, Any] | bytes


def encoded(part: Json) -> str:
    """One part of a token; bytes go in as they are."""
    return base64url_encode(part if isinstance(part, bytes) else json.dumps(part).encode()).decode()


def decoded(part: str) -> bytes:
    return base64url_decode(part)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(decoded(token.split(".")[1]))
    return claims


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decoded(token.partition(".")[0]))
    return header


def mac(header: Json, claims: Json, secret: bytes, digest: str = "sha256") -> str:
    """Signed with a shared secret, whatever that is."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), digest))}"


@dataclass(frozen=True)
class Forge:
    """Signs as auth and as each service would."""

    secrets: Mapping[str, str]
    key: Ed25519PrivateKey
    kid: str
    auth_folder: Path

    @classmethod
    def of(cls, stack: Stack) -> Self:
        secrets = {name: value for name, value in dotenv_values(stack.folder / "secrets.env").items() if value}
        keys = SigningKeys([secrets["JWT_SECRET_KEY"]])
        return cls(secrets, keys.key, keys.kid, stack.folder / "auth")

    @property
    def pairs(self) -> dict[tuple[str, str], str]:
        """Who may call whom, with which secret; the operators' one is new with each start of auth."""
        found = {}
        for name, secret in self.secrets.items():
            if name.startswith("SECRET_"):
                caller, callee = name.lower().split("_")[1:]
                found[caller, callee] = secret
        door = OperatorDoor.find(self.auth_folder)
        return found | ({("operator", "auth"): door.secret} if door else {})

    def sign(self, header: Json, claims: Json, key: Ed25519PrivateKey | None = None) -> str:
        """Signed as auth signs, whatever it says; with `key` instead of auth's own if there is one."""
        text = f"{encoded(header)}.{encoded(claims)}"
        return f"{text}.{encoded((key or self.key).sign(text.encode()))}"

    def anew(self, token: str, **claims: Any) -> str:
        """An access token with other claims (None removes one), signed as auth itself signs."""
        changed = {name: value for name, value in (claims_of(token) | claims).items() if value is not None}
        return self.sign(header_of(token), changed)

    def headed(self, token: str, **members: Any) -> str:
        """An access token with other header members, signed as auth itself signs."""
        changed = {name: value for name, value in (header_of(token) | members).items() if value is not None}
        return self.sign(changed, claims_of(token))

    def expired(self, token: str) -> str:
        now = int(time.time())
        return self.anew(token, iat=now - 700, exp=now - 100)

    def service(self, caller: str, callee: str, *, pair: tuple[str, str] | None = None) -> str:
        """A service token, signed with the secret of `pair`, by default the two services' own."""
        return service_token(caller, callee, self.pairs[pair or (caller, callee)])

    def retired(self, token: str) -> str:
        """Signed with a key that auth would have made from a secret it no longer has."""
        old = SigningKeys(["a secret that was in use before the last two rotations"])
        return jwt.encode(claims_of(token), old.key, algorithm="EdDSA", headers={**header_of(token), "kid": old.kid})
