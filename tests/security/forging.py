"""Ways to make something like an access token, from a genuine one and whatever key or secret is at hand."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from .credentials import Forge, claims_of, decoded, encoded, header_of, mac

Forgery = Callable[[Forge, str], str]

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


@cache
def strange_key(kind: str) -> Any:
    """A key of the attacker's own."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else Ed25519PrivateKey.generate()


def parts(token: str) -> list[str]:
    return token.split(".")


def with_signature(change: Callable[[bytes], bytes]) -> Forgery:
    def forge(_: Forge, token: str) -> str:
        header, claims, signature = parts(token)
        return f"{header}.{claims}.{encoded(change(decoded(signature)))}"

    return forge


def unsigned(alg: Any) -> Forgery:
    return lambda forge, token: (
        f"{encoded({**header_of(token), 'alg': alg})}.{encoded({**claims_of(token), 'sub': 'user_1'})}."
    )


def altered(**claims: Any) -> Forgery:
    """Other claims under the old signature."""

    def forge(_: Forge, token: str) -> str:
        header, _claims, signature = parts(token)
        return f"{header}.{encoded({**claims_of(token), **claims})}.{signature}"

    return forge


def shared(secret: bytes | Callable[[Forge], bytes], alg: str = "HS256", digest: str = "sha256") -> Forgery:
    """Signed with a secret that both sides might share."""

    def forge(forge: Forge, token: str) -> str:
        key = secret if isinstance(secret, bytes) else secret(forge)
        return mac({**header_of(token), "alg": alg}, claims_of(token), key, digest)

    return forge


def other_key(alg: str, kind: str, **header: Any) -> Forgery:
    return lambda forge, token: jwt.encode(
        claims_of(token), strange_key(kind), algorithm=alg, headers={**header_of(token), "alg": alg, **header}
    )


def with_claims(**claims: Any) -> Forgery:
    """Signed by auth, as far as anyone can tell; only what it says is wrong."""
    return lambda forge, token: forge.anew(token, **claims)


def with_header(**members: Any) -> Forgery:
    return lambda forge, token: forge.headed(token, **members)


def written(claim: str, text: str) -> Forgery:
    """A claim spelled as JSON does not know it, or knows it too well."""

    def forge(forge: Forge, token: str) -> str:
        claims = {**claims_of(token), claim: "@"}
        return forge.sign(header_of(token), json.dumps(claims).replace('"@"', text).encode())

    return forge


def with_header_text(header: bytes) -> Forgery:
    return lambda forge, token: forge.sign(header, claims_of(token))


def with_payload(payload: bytes) -> Forgery:
    return lambda forge, token: forge.sign(header_of(token), payload)


def spelled(change: Callable[[str], str]) -> Forgery:
    return lambda forge, token: change(token)


def public_jwk(key: Any) -> dict[str, Any]:
    return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


def next_spelling(token: str) -> str:
    """The same signature for a careless reader: the last character has bits that do not count."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def plus_order(signature: bytes) -> bytes:
    """The other solution of Ed25519's equation, which a verifier has to refuse (RFC 8032, 5.1.7)."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + GROUP_ORDER).to_bytes(32, "little")
