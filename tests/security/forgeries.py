"""What is no access token: a name for each, and how it is made."""

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .credentials import Forge, claims_of, encoded, header_of
from .forging import (
    Forgery,
    altered,
    next_spelling,
    other_key,
    parts,
    plus_order,
    public_jwk,
    shared,
    spelled,
    strange_key,
    unsigned,
    with_claims,
    with_header,
    with_header_text,
    with_payload,
    with_signature,
    written,
)

PUBLIC_KEY: Mapping[str, Callable[[Forge], bytes]] = {
    "PEM": lambda forge: forge.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "DER": lambda forge: forge.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "raw": lambda forge: forge.key.public_key().public_bytes_raw(),
    "OpenSSH": lambda forge: forge.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "x": lambda forge: public_jwk(forge.key)["x"].encode(),
    "JWK": lambda forge: json.dumps(public_jwk(forge.key)).encode(),
    "kid": lambda forge: forge.kid.encode(),
}
COMMON_SECRETS = (b"", b"secret", b"changeme", b"deepthinks", b"\0", b"insecure-development-secret-jwt")
CLAIMS = ("iss", "aud", "sub", "sid", "role", "scope", "jti", "iat", "exp")
WRONG_CLAIMS: Mapping[str, tuple[Any, ...]] = {
    "iss": ("other", "deepthinks/", ["deepthinks"], 1, ""),
    "aud": ("other", ["deepthinks"], ["other", "deepthinks"], [], "", {"deepthinks": 1}, "deepthinks-shares"),
    "sub": (["user_1"], 1, "", {}, True),
    "sid": ([], 1, ""),
    "role": (["operator"], 1, ""),
    "scope": (["chat:read"], {"chat:read": True}, 1, ""),
    "jti": (1, []),
    "iat": ("now", [], True),
    "exp": ("soon", "9999999999", True, [], {}, -1, 0, 10**30, 1e300),
}
WRONG_KIDS: tuple[Any, ...] = (
    *("../../dev/null", "/dev/null", "' or '1'='1", "k" * 2000, "", "\0", "unknown"),
    *(1, ["a"], {}, None, True),
)


def _algorithms() -> Iterator[tuple[str, Forgery]]:
    for alg in ("none", "None", "nOnE", "NONE", "", None, 0, ["EdDSA"], "eddsa", "EdDSA "):
        yield f"alg {alg!r}, unsigned", unsigned(alg)
    yield (
        "alg none with the genuine signature",
        lambda forge, token: ".".join([encoded({**header_of(token), "alg": "none"}), *parts(token)[1:]]),
    )
    for form, secret in PUBLIC_KEY.items():
        yield f"HS256 with the public key as {form}", shared(secret)
    for alg, digest in (("HS384", "sha384"), ("HS512", "sha512"), ("EdDSA", "sha256")):
        yield f"{alg} by HMAC with the public key", shared(PUBLIC_KEY["PEM"], alg, digest)
    for known in COMMON_SECRETS:
        yield f"HS256 with the secret {known!r}", shared(known)
    yield "HS256 with a pair's secret", shared(lambda forge: forge.secrets["SECRET_CHAT_MEMORY"].encode())
    for alg, kind in (("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "ec"), ("EdDSA", "okp")):
        yield f"{alg} with a key of one's own", other_key(alg, kind)


def _signatures() -> Iterator[tuple[str, Forgery]]:
    yield "no signature", spelled(lambda token: token.rpartition(".")[0] + ".")
    yield "no third part", spelled(lambda token: token.rpartition(".")[0])
    yield "truncated signature", with_signature(lambda signature: signature[:-1])
    yield "half a signature", with_signature(lambda signature: signature[:32])
    yield "extended signature", with_signature(lambda signature: signature + b"\0")
    yield "doubled signature", with_signature(lambda signature: signature * 2)
    yield "signature of zeros", with_signature(lambda signature: bytes(64))
    yield "first bit flipped", with_signature(lambda signature: bytes([signature[0] ^ 1]) + signature[1:])
    yield "last bit flipped", with_signature(lambda signature: signature[:-1] + bytes([signature[-1] ^ 128]))
    yield "signature plus the group order", with_signature(plus_order)
    yield (
        "another token's signature",
        lambda forge, token: ".".join([*parts(token)[:2], parts(forge.anew(token, sub="user_1"))[2]]),
    )
    yield "another user under the signature", altered(sub="user_0199")
    yield "more scopes under the signature", altered(scope="account admin chat:read")
    yield "another role under the signature", altered(role="operator")
    yield "a later end under the signature", altered(exp=int(time.time()) + 3000)
    yield "a retired key", lambda forge, token: forge.retired(token)


def _contents() -> Iterator[tuple[str, Forgery]]:
    now = int(time.time())
    yield "expired", lambda forge, token: forge.expired(token)
    yield "not valid yet", with_claims(nbf=now + 300)
    yield "nbf as text", with_claims(nbf="later")
    yield "issued in the future", with_claims(iat=now + 300)
    yield "valid for two hours", with_claims(exp=now + 7200)
    for claim in CLAIMS:
        yield f"without {claim}", with_claims(**{claim: None})
        yield f"{claim} null", written(claim, "null")
    for claim, values in WRONG_CLAIMS.items():
        for value in values:
            yield f"{claim} {value!r}", with_claims(**{claim: value})
    for text in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "9" * 4000):
        yield f"exp {text[:12]} ({len(text)})", written("exp", text)
    for payload in (b"", b"{}", b"[]", b'"text"', b"1", b"null", b"{", b"\xff\xfe", b"[" * 2500, b"{}{}"):
        yield f"payload {payload[:8]!r} ({len(payload)})", with_payload(payload)
    yield "a claim twice", written("sub", '"user_1","sub":"user_2"')


def _headers() -> Iterator[tuple[str, Forgery]]:
    for typ in ("JWT", "at+JWT ", "rt+jwt", "", 1, None, ["at+jwt"]):
        yield f"typ {typ!r}", with_header(typ=typ)
    for kid in WRONG_KIDS:
        yield f"kid {str(kid)[:20]!r}", with_header(kid=kid)
    yield "kid null", lambda forge, token: forge.sign({**header_of(token), "kid": None}, claims_of(token))
    own = strange_key("okp")
    for name, value in {
        "jku": "http://127.0.0.1:1/jwks.json",
        "x5u": "http://127.0.0.1:1/cert.pem",
        "jwk": public_jwk(own),
        "x5c": ["MIIB"],
        "x5t": "AAAA",
    }.items():
        yield f"own key named by {name}", other_key("EdDSA", "okp", **{name: value})
        yield f"own key named by {name}, own kid", other_key("EdDSA", "okp", kid="own", **{name: value})
    for crit in (["exp"], ["unknown"], [], ["b64"], "exp", [1]):
        yield f"crit {crit!r}", with_header(crit=crit, b64=True, unknown=1)
    yield "b64 false", with_header(b64=False, crit=["b64"])
    yield "b64 false without crit", with_header(b64=False)
    yield (
        "b64 false, payload detached",
        lambda forge, token: ".".join(
            [encoded({**header_of(token), "b64": False, "crit": ["b64"]}), "", parts(token)[2]]
        ),
    )
    yield (
        "a compressed payload",
        lambda forge, token: forge.sign(
            {**header_of(token), "zip": "DEF"}, zlib.compress(json.dumps(claims_of(token)).encode())
        ),
    )
    yield "a token in a token", lambda forge, token: forge.sign({**header_of(token), "cty": "JWT"}, token.encode())
    yield (
        "a header member twice",
        lambda forge, token: forge.sign(
            json.dumps(header_of(token)).replace("{", '{"alg":"none",', 1).encode(), claims_of(token)
        ),
    )
    for header in (b"", b"[]", b"null", b"{", b'"EdDSA"', b"[" * 2500):
        yield f"header {header[:8]!r} ({len(header)})", with_header_text(header)


def _spellings() -> Iterator[tuple[str, Forgery]]:
    yield "JWE", spelled(lambda token: f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA")
    yield "five parts", spelled(lambda token: f"{token}.a.b")
    yield (
        "JSON serialization",
        lambda forge, token: json.dumps(dict(zip(("protected", "payload", "signature"), parts(token), strict=True))),
    )
    yield "padding after the signature", spelled(lambda token: token + "==")
    yield "padding in the middle", spelled(lambda token: token.replace(".", "=.", 1))
    yield "white space inside", spelled(lambda token: token[:60] + " " + token[60:])
    yield "a tab inside", spelled(lambda token: token[:60] + "\t" + token[60:])
    yield "bits beyond the signature's end", spelled(next_spelling)
    yield "the other alphabet", spelled(lambda token: token.replace("-", "+").replace("_", "/") + "+/")
    yield "dots as %2e", spelled(lambda token: token.replace(".", "%2e"))
    yield "a dot at the end", spelled(lambda token: token + ".")
    yield "a dot in front", spelled(lambda token: "." + token)
    yield "quotes around it", spelled(lambda token: f'"{token}"')
    yield "in lower case", spelled(str.lower)
    yield "a NUL at its end", spelled(lambda token: token + "\0")
    yield "letters that are none", spelled(lambda token: token.replace("e", "\xe9", 1))
    yield "encoded once more", spelled(lambda token: encoded(token.encode()))
    yield "only dots", spelled(lambda token: "..")
    yield "5 KB", with_claims(padding="x" * 4000)
    yield "30 KB", with_claims(padding="x" * 22_000)
    yield "1 MB", with_claims(padding="x" * 750_000)


FORGERIES: dict[str, Forgery] = {
    name: forgery for group in (_algorithms, _signatures, _contents, _headers, _spellings) for name, forgery in group()
}
