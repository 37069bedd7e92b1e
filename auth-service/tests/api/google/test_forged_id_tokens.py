"""ID tokens that Google did not make, or not for us, or not for now: refused, and nothing is kept."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from dev.fake_google import CLIENT_ID, FakeGoogle, SigningKey

from ...conftest import refusal
from ...kept import Kept
from .conftest import GoogleClient

Claims = dict[str, Any]
SUBJECT = "999999999999999999999"


class Forger:
    """Has Google's own key: what is wrong is what the test names."""

    def __init__(self, google: FakeGoogle) -> None:
        self.google = google
        self.key = google.keys[0]
        self.genuine = google.id_token(SUBJECT)
        self.claims: Claims = jwt.decode(self.genuine, options={"verify_signature": False})

    def token(self, **changes: Any) -> str:
        return self.google.id_token(SUBJECT, **changes)

    def raw(self, head: bytes, body: bytes | None = None) -> str:
        signed = _base64(head) + b"." + _base64(json.dumps(self.claims).encode() if body is None else body)
        return (signed + b"." + _base64(self.key.private.sign(signed, padding.PKCS1v15(), SHA256()))).decode()

    def head(self, **changes: Any) -> bytes:
        members = {"alg": "RS256", "kid": self.key.kid, "typ": "JWT", **changes}
        return json.dumps({name: value for name, value in members.items() if value is not None}).encode()

    def unsigned(self, algorithm: str) -> str:
        return f"{_base64(self.head(alg=algorithm)).decode()}.{self.genuine.split('.')[1]}."

    def hmac(self, secret: str, algorithm: str = "HS256") -> str:
        signed = _base64(self.head(alg=algorithm)) + b"." + self.genuine.split(".")[1].encode()
        return (signed + b"." + _base64(hmac.digest(secret.encode(), signed, "sha256"))).decode()

    def with_elliptic_curve(self) -> str:
        return jwt.encode(self.claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": self.key.kid})

    def with_own_key(self) -> str:
        """What the header offers instead of Google's key is not looked at."""
        own = rsa.generate_private_key(65537, 2048)
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
        header = {"kid": self.key.kid, "jwk": jwk, "jku": "http://127.0.0.1:1/k", "x5u": "http://127.0.0.1:1/c"}
        return jwt.encode(self.claims, own, "RS256", headers=header)

    def swapped(self) -> str:
        head, _, signature = self.genuine.split(".")
        return f"{head}.{self.token(email='eve@example.org').split('.')[1]}.{signature}"


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "for another client": lambda f: f.token(aud="4711.apps.googleusercontent.com"),
    "for ours and another": lambda f: f.token(aud=[CLIENT_ID, "4711.apps.googleusercontent.com"]),
    "for ours in a list": lambda f: f.token(aud=[CLIENT_ID]),
    "for almost ours": lambda f: f.token(aud=CLIENT_ID + " "),
    "for nobody": lambda f: f.token(aud=None),
    "asked for by another client": lambda f: f.token(azp="4711.apps.googleusercontent.com"),
    "asked for by no text": lambda f: f.token(azp=["4711"]),
    "asked for by nobody": lambda f: f.token(azp=""),
    "wrong issuer": lambda f: f.token(iss="https://accounts.google.com.evil.example"),
    "our issuer": lambda f: f.token(iss="deepthinks"),
    "no issuer": lambda f: f.token(iss=None),
    "expired": lambda f: f.token(iat=int(time.time()) - 3600, exp=int(time.time()) - 30),
    "no expiry": lambda f: f.token(exp=None),
    "expiry text": lambda f: f.token(exp="never"),
    "expiry not a number": lambda f: f.token(exp=float("nan")),
    "expiry infinite": lambda f: f.token(exp=float("inf")),
    "expiry huge": lambda f: f.token(exp=10**400),
    "expiry true": lambda f: f.token(exp=True),
    "not issued yet": lambda f: f.token(iat=int(time.time()) + 60),
    "no time of issue": lambda f: f.token(iat=None),
    "not valid yet": lambda f: f.token(nbf=int(time.time()) + 60),
    "valid from a text": lambda f: f.token(nbf=str(int(time.time()) - 5)),
    "no subject": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": None}).encode()),
    "subject empty": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": ""}).encode()),
    "subject a list": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": [SUBJECT]}).encode()),
    "subject a number": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": 999}).encode()),
    "subject long": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": "9" * 256}).encode()),
    "subject half a character": lambda f: f.raw(f.head(), json.dumps({**f.claims, "sub": "\ud800"}).encode()),
    "nonce not ours": lambda f: f.token(nonce="A" * 43),
    "nonce empty": lambda f: f.token(nonce=""),
    "nonce null": lambda f: f.raw(f.head(), json.dumps({**f.claims, "nonce": None}).encode()),
    "nonce a list": lambda f: f.token(nonce=["A" * 43]),
    "alg none": lambda f: f.unsigned("none") + "AA",
    "alg none without signature": lambda f: f.unsigned("none"),
    "alg None": lambda f: f.unsigned("None") + "AA",
    "alg missing": lambda f: f.raw(f.head(alg=None)),
    "alg a list": lambda f: f.raw(f.head(alg=["RS256"])),
    "alg lower case": lambda f: f.raw(f.head(alg="rs256")),
    "alg PS256": lambda f: jwt.encode(f.claims, f.key.private, "PS256", headers={"kid": f.key.kid}),
    "alg RS512": lambda f: jwt.encode(f.claims, f.key.private, "RS512", headers={"kid": f.key.kid}),
    "alg ES256": lambda f: f.with_elliptic_curve(),
    "alg EdDSA": lambda f: f.raw(f.head(alg="EdDSA")),
    "HS256 with the certificate": lambda f: f.hmac(f.key.certificate),
    "HS256 called RS256": lambda f: f.hmac(f.key.certificate, "RS256"),
    "HS256 with an empty secret": lambda f: f.hmac(""),
    "another key": lambda f: f.token(key=SigningKey(), header={"kid": f.key.kid}),
    "own key in the header": lambda f: f.with_own_key(),
    "kid of the other key": lambda f: f.token(header={"kid": f.google.keys[1].kid}),
    "kid unknown": lambda f: f.token(header={"kid": "0" * 40}),
    "kid missing": lambda f: f.raw(f.head(kid=None)),
    "kid a list": lambda f: f.raw(f.head(kid=[f.key.kid])),
    "kid a number": lambda f: f.raw(f.head(kid=7)),
    "kid a path": lambda f: f.token(header={"kid": "../../../dev/null"}),
    "kid SQL": lambda f: f.token(header={"kid": "' or 1=1 --"}),
    "kid huge": lambda f: f.token(header={"kid": "0" * 1000}),
    "critical extension": lambda f: f.raw(f.head(crit=["b64"], b64=True)),
    "type of an access token": lambda f: f.raw(f.head(typ="at+jwt")),
    "type logout": lambda f: f.raw(f.head(typ="logout+jwt")),
    "signature flipped": lambda f: f.genuine[:-20] + ("A" if f.genuine[-20] != "A" else "B") + f.genuine[-19:],
    "signature cut": lambda f: f.genuine[:-8],
    "signature gone": lambda f: f.genuine.rpartition(".")[0] + ".",
    "signature extended": lambda f: f.genuine + "AAAA",
    "payload of another": lambda f: f.swapped(),
    "payload no object": lambda f: f.raw(f.head(), b"[]"),
    "payload no JSON": lambda f: f.raw(f.head(), b"\xff\xfe"),
    "payload empty": lambda f: f.raw(f.head(), b""),
    "payload deep": lambda f: f.raw(f.head(), b"[" * 2400),
    "header no object": lambda f: f.raw(b"[]"),
    "header deep": lambda f: f.raw(b"[" * 2400),
    "two parts": lambda f: f.genuine.rpartition(".")[0],
    "four parts": lambda f: f.genuine + ".AAAA",
    "five parts (JWE)": lambda f: f.genuine + ".AAAA.AAAA",
    "spaces around": lambda f: f" {f.genuine}\n",
    "padding": lambda f: f.genuine + "==",
    "letters that base64 passes over": lambda f: f.genuine[:-9] + "!" + f.genuine[-9:],
    "not ASCII": lambda f: f.genuine + "é",
    "NUL": lambda f: f.genuine + "\0",
    "one byte": lambda f: "x",
    "nothing": lambda f: "",
    "dots": lambda f: "..",
}


@pytest.fixture(scope="module")
def forger(google: FakeGoogle) -> Forger:
    return Forger(google)


def test_what_the_forger_signs_unchanged_is_accepted(auth: GoogleClient, forger: Forger) -> None:
    claims = json.dumps({**forger.claims, "sub": "888888888888888888888"}).encode()

    answer = auth.google(forger.raw(forger.head(), claims))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_id_token_is_refused_and_makes_no_account(
    auth: GoogleClient, forger: Forger, kept: Kept, name: str
) -> None:
    body = json.dumps({"id_token": FORGERIES[name](forger)})

    answer = auth.post("/v1/auth/google", content=body, headers={"content-type": "application/json"})

    assert refusal(answer) == (422, "invalid_google_token")
    assert kept.value("select count(*) from identities where subject like '999%'") == 0
    assert "retry-after" not in answer.headers


def test_a_spent_token_spelled_differently_is_still_spent(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    genuine = google.id_token(subject)
    auth.google(genuine).raise_for_status()
    # Of the last letter of 256 bytes in base64 only two bits count; google-auth takes any of those spellings.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    position = letters.index(genuine[-1])
    twin = genuine[:-1] + letters[position ^ 1]
    assert jwt.utils.base64url_decode(twin.split(".")[2]) == jwt.utils.base64url_decode(genuine.split(".")[2])

    answer = auth.google(twin)

    assert refusal(answer) == (422, "invalid_google_token")


def test_something_else_that_we_issued_is_no_nonce(auth: GoogleClient, google: FakeGoogle, subject: str) -> None:
    guest = auth.guest()
    receipt = auth.post("/v1/auth/deletion", json={}, headers={"authorization": f"Bearer {guest['access_token']}"})
    tokens = auth.sign_up()

    answers = [
        auth.google(google.id_token(subject, nonce=thing))
        for thing in (receipt.json()["token"], tokens["refresh_token"], tokens["user"]["id"])
    ]

    assert {refusal(answer) for answer in answers} == {(422, "invalid_google_token")}


def test_our_own_tokens_are_no_id_tokens(auth: GoogleClient) -> None:
    tokens = auth.sign_up()

    answers = [auth.google(tokens[name]) for name in ("access_token", "refresh_token")]

    assert {refusal(answer) for answer in answers} == {(422, "invalid_google_token")}


def test_an_id_token_is_no_access_token(auth: GoogleClient, google: FakeGoogle) -> None:
    id_token = google.id_token()

    answers = [auth.check(id_token), auth.me(id_token)]

    assert {refusal(answer) for answer in answers} == {(401, "invalid_token")}


def test_an_id_token_over_4_kilobytes_is_refused(auth: GoogleClient, google: FakeGoogle) -> None:
    answer = auth.google(google.id_token(padding="x" * 4096))

    assert refusal(answer) == (422, "invalid_request")


def test_an_id_token_of_a_megabyte_is_refused_unread(auth: GoogleClient) -> None:
    answer = auth.google("x" * 1_000_000)

    assert refusal(answer) == (413, "payload_too_large")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"id_token": 7}', b'{"id_token": null}', b'{"id_token": ["a.b.c"]}', b"{}",
     b'{"id_token": "a.b.\\ud800"}', b'{"id_token": "a.b.c", "email_verified": true}', b"[" * 5000],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(auth: GoogleClient, body: bytes) -> None:
    answer = auth.post("/v1/auth/google", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("invalid_json", "invalid_request", "unknown_parameter")


def test_of_two_id_tokens_in_one_body_only_the_last_counts(
    auth: GoogleClient, google: FakeGoogle, subject: str, forger: Forger
) -> None:
    good, bad = google.id_token(subject), forger.unsigned("none")
    bodies = [f'{{"id_token": "{first}", "id_token": "{last}"}}' for first, last in ((good, bad), (bad, good))]

    answers = [
        auth.post("/v1/auth/google", content=body, headers={"content-type": "application/json"}) for body in bodies
    ]

    assert [answer.status_code for answer in answers] == [422, 200]


def test_a_key_that_is_made_up_is_asked_for_once_a_minute_at_most(auth: GoogleClient, google: FakeGoogle) -> None:
    auth.google(google.id_token(header={"kid": "f" * 40}))
    before = google.requests

    answers = [auth.google(google.id_token(header={"kid": f"{number:040x}"})) for number in range(30)]

    assert {refusal(answer) for answer in answers} == {(422, "invalid_google_token")}
    assert google.requests == before


def _base64(plain: bytes) -> bytes:
    return base64.urlsafe_b64encode(plain).rstrip(b"=")
