"""Access tokens that we did not make, or made for something else: refused at the gateway's question and at a route."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth_service.settings import Settings
from auth_service.signing_keys import SigningKeys
from chassis.identity import REQUIRED_CLAIMS

from ..conftest import Client

Claims = dict[str, Any]
HEADER = {"typ": "at+jwt", "alg": "EdDSA"}


class Forger:
    """Has a genuine token's claims, and even the signing key: what is wrong is what the test names."""

    def __init__(self, claims: Claims, keys: SigningKeys, genuine: str) -> None:
        self.claims = claims
        self.keys = keys
        self.genuine = genuine
        self.public_raw = keys.key.public_key().public_bytes_raw()
        self.public_pem = keys.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, *, header: Claims | None = None, signer: Ed25519PrivateKey | None = None, **claims: Any) -> str:
        """Signed like ours; None removes a claim or a member of the header."""
        head = _without_none({**HEADER, "kid": self.keys.kid, **(header or {})})
        body = _without_none({**self.claims, **claims})
        return self.raw(json.dumps(head).encode(), json.dumps(body).encode(), signer)

    def raw(self, head: bytes, body: bytes, signer: Ed25519PrivateKey | None = None) -> str:
        signed = _base64(head) + b"." + _base64(body)
        return (signed + b"." + _base64((signer or self.keys.key).sign(signed))).decode()

    def hmac(self, secret: bytes) -> str:
        head = {"typ": "at+jwt", "alg": "HS256", "kid": self.keys.kid}
        signed = _base64(json.dumps(head).encode()) + b"." + _base64(json.dumps(self.claims).encode())
        return (signed + b"." + _base64(hmac.digest(secret, signed, "sha256"))).decode()

    def without(self, claim: str) -> str:
        return self.signed(**{claim: None})

    def with_own_key(self) -> str:
        own = Ed25519PrivateKey.generate()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": _base64(own.public_key().public_bytes_raw()).decode()}
        return self.signed(header={"jwk": jwk, "jku": "http://127.0.0.1:1/keys"}, signer=own)

    def unsigned(self, algorithm: str) -> str:
        head = {"typ": "at+jwt", "alg": algorithm, "kid": self.keys.kid}
        return (_base64(json.dumps(head).encode()) + b"." + _base64(json.dumps(self.claims).encode()) + b".").decode()


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "alg none": lambda f: f.unsigned("none"),
    "alg None": lambda f: f.unsigned("None"),
    "alg missing": lambda f: f.signed(header={"alg": None}),
    "alg of another family": lambda f: f.signed(header={"alg": "RS256"}),
    "HS256 with the public key": lambda f: f.hmac(f.public_raw),
    "HS256 with the public key as PEM": lambda f: f.hmac(f.public_pem),
    "HS256 with the kid": lambda f: f.hmac(f.keys.kid.encode()),
    "HS256 with an empty secret": lambda f: f.hmac(b""),
    "another key": lambda f: f.signed(signer=Ed25519PrivateKey.generate()),
    "no signature": lambda f: f.genuine.rpartition(".")[0] + ".",
    "two parts": lambda f: f.genuine.rpartition(".")[0],
    "four parts": lambda f: f.genuine + ".x",
    "signature truncated": lambda f: f.genuine[:-4],
    "signature extended": lambda f: f.genuine + "AAAA",
    "signature flipped": lambda f: f.genuine[:-10] + ("A" if f.genuine[-10] != "A" else "B") + f.genuine[-9:],
    "payload of another token": lambda f: _swap_payload(f.genuine, f.signed(sub="user_other", role="operator")),
    "wrong typ": lambda f: f.signed(header={"typ": "JWT"}),
    "no typ": lambda f: f.signed(header={"typ": None}),
    "critical extension": lambda f: f.signed(header={"crit": ["b64"], "b64": True}),
    "kid unknown": lambda f: f.signed(header={"kid": "unknown"}),
    "kid missing": lambda f: f.signed(header={"kid": None}),
    "kid a path": lambda f: f.signed(header={"kid": "../../../../dev/null"}),
    "kid SQL": lambda f: f.signed(header={"kid": "' or 1=1 --"}),
    "kid a number": lambda f: f.signed(header={"kid": 1}),
    "kid a list": lambda f: f.signed(header={"kid": [f.keys.kid]}),
    "kid huge": lambda f: f.signed(header={"kid": "k" * 1000}),
    "own key in the header": lambda f: f.with_own_key(),
    "wrong issuer": lambda f: f.signed(iss="https://accounts.google.com"),
    "wrong audience": lambda f: f.signed(aud="share-viewers"),
    "expired": lambda f: f.signed(exp=int(time.time()) - 1),
    "expiry huge": lambda f: f.signed(exp=10**400),
    "expiry far": lambda f: f.signed(exp=int(time.time()) + 7200),
    "expiry a word": lambda f: f.signed(exp="never"),
    "expiry not a number": lambda f: f.signed(exp=float("nan")),
    "expiry infinite": lambda f: f.signed(exp=float("inf")),
    "not yet valid": lambda f: f.signed(nbf=int(time.time()) + 600),
    "issued in the future": lambda f: f.signed(iat=int(time.time()) + 600),
    "subject a list": lambda f: f.signed(sub=["user_1"]),
    "session empty": lambda f: f.signed(sid=""),
    "session unknown": lambda f: f.signed(sid="sess_" + "0" * 32),
    "session a list": lambda f: f.signed(sid=["sess"]),
    "scope a list": lambda f: f.signed(scope=["account"]),
    "payload no object": lambda f: f.raw(json.dumps({**HEADER, "kid": f.keys.kid}).encode(), b"[]"),
    "payload no JSON": lambda f: f.raw(json.dumps({**HEADER, "kid": f.keys.kid}).encode(), b"\xff"),
    "header no object": lambda f: f.raw(b"[]", json.dumps(f.claims).encode()),
    "nested too deep": lambda f: f.raw(b"[" * 900, json.dumps(f.claims).encode()),
    "over 4 KB": lambda f: f.signed(padding="x" * 4096),
    "one byte": lambda f: "x",
    "dots": lambda f: "..",
    "not ASCII": lambda f: f.genuine + "é",
    **{f"no {claim}": partial(Forger.without, claim=claim) for claim in REQUIRED_CLAIMS},
}


@pytest.fixture
def forger(auth: Client, settings: Settings) -> Forger:
    genuine = auth.sign_up()["access_token"]
    claims = jwt.decode(genuine, options={"verify_signature": False})
    return Forger(claims, SigningKeys(settings.secrets), genuine)


def test_what_the_forger_signs_unchanged_is_accepted(auth: Client, forger: Forger) -> None:
    token = forger.signed()

    assert auth.check(token).status_code == 204
    assert auth.me(token).status_code == 200


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(auth: Client, forger: Forger, name: str) -> None:
    credential = b"Bearer " + FORGERIES[name](forger).encode()

    check = auth.get("/internal/gateway/check", headers={b"authorization": credential})
    me = auth.get("/v1/auth/me", headers={b"authorization": credential})

    assert (check.status_code, check.json()["code"]) == (401, "invalid_token")
    assert (me.status_code, me.json()["code"]) == (401, "invalid_token")


def test_a_token_for_an_api_key_cannot_look_at_the_account(auth: Client, forger: Forger) -> None:
    answer = auth.me(forger.signed(key="key_1"))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_token_without_the_scope_cannot_look_at_the_account(auth: Client, forger: Forger) -> None:
    answer = auth.me(forger.signed(scope="chat:read chat:write"))

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_a_token_of_an_account_that_is_gone_is_refused(auth: Client, forger: Forger) -> None:
    answer = auth.me(forger.signed(sub="user_" + "0" * 32))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def _swap_payload(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def _without_none(members: Claims) -> Claims:
    return {name: value for name, value in members.items() if value is not None}


def _base64(plain: bytes) -> bytes:
    return base64.urlsafe_b64encode(plain).rstrip(b"=")
