"""Tokens at the door of a service: what opens it, and what does not."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chassis.testing import FakeAuth, serve, service_token

from .example_service import SECRET, create_example


def add_note(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/notes", json={"id": "1"}, headers={"authorization": f"Bearer {token}"})


def segment(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(auth: FakeAuth, header: str, claims: str) -> str:
    """Texts as they are, signed as auth signs."""
    text = ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in (header, claims))
    return f"{text}.{urlsafe_b64encode(auth.private_key.sign(text.encode())).decode().rstrip('=')}"


CLAIMS = {"iss": "deepthinks", "aud": "deepthinks", "sub": "user_1", "sid": "s", "role": "user", "scope": "chat:write"}


def forgeries(auth: FakeAuth) -> Iterator[tuple[str, str]]:
    valid = auth.access_token()
    header, payload, signature = valid.split(".")
    now = int(time.time())
    claims = {**CLAIMS, "jti": "j", "iat": now, "exp": now + 600}
    at = {"typ": "at+jwt", "kid": auth.kid}
    public = auth.private_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    stranger = Ed25519PrivateKey.generate()
    yield "no algorithm", f"{segment({'alg': 'none', **at})}.{payload}."
    yield "None algorithm", f"{segment({'alg': 'None', **at})}.{payload}.{signature}"
    yield "the public key as an HMAC secret", jwt.encode(claims, public, algorithm="HS256", headers=at)
    yield "a stranger's key", jwt.encode(claims, stranger, algorithm="EdDSA", headers=at)
    yield "stripped signature", f"{header}.{payload}."
    yield "flipped signature", f"{header}.{payload}.{signature[:-4]}AAAA"
    yield "changed payload", f"{header}.{segment({**claims, 'sub': 'user_2'})}.{signature}"
    yield "expired", auth.access_token(exp=now - 1)
    yield "issued in the future", auth.access_token(iat=now + 3600)
    yield "another issuer", auth.access_token(iss="elsewhere")
    yield "another audience", auth.access_token(aud="share")
    yield "another type", auth.access_token(header={"typ": "JWT"})
    yield "an unknown critical header", auth.access_token(header={"crit": ["b64"], "b64": True})
    yield "a key id with a path", auth.access_token(header={"kid": "../../etc/passwd"})
    yield "a huge key id", auth.access_token(header={"kid": "k" * 2000})
    yield "expiry as text", auth.access_token(exp="soon")
    yield "expiry as a numeric text", auth.access_token(exp=str(now + 60))
    yield "expiry in the year 10000", auth.access_token(exp=253402300800)
    yield "expiry beyond any number", auth.access_token(exp=10**400)
    yield "infinite expiry", auth.access_token(exp=float("inf"))
    yield "over 4 KB", auth.access_token(padding="x" * 5000)
    for claim in ("iss", "aud", "sub", "sid", "role", "scope", "jti", "iat", "exp"):
        yield (
            f"without {claim}",
            auth.access_token(**{claim: None})
            if claim != "sub"
            else jwt.encode(
                {name: value for name, value in claims.items() if name != "sub"},
                auth.private_key,
                algorithm="EdDSA",
                headers=at,
            ),
        )
    yield "numeric subject", jwt.encode({**claims, "sub": 1}, auth.private_key, algorithm="EdDSA", headers=at)
    yield "list as scope", auth.access_token(scope=["chat:write"])
    yield "a service token", service_token("alpha", "beta", SECRET.get_secret_value())
    yield "a list of audiences", auth.access_token(aud=["deepthinks", "elsewhere"])
    head, body = json.dumps({**at, "alg": "EdDSA"}), json.dumps(claims)
    yield "a claim twice", signed(auth, head, body[:-1] + ',"sub":"user_2"}')
    yield "a header member twice", signed(auth, head[:-1] + ',"x":1,"x":2}', body)
    yield "a payload without end", signed(auth, head, "[" * 2500)
    yield "padding after the signature", f"{valid}=="
    yield "five segments", f"{valid}.a.b"
    yield "no token at all", "x"


def test_a_valid_token_opens_the_door(beta: httpx.Client, auth: FakeAuth) -> None:
    assert add_note(beta, auth.access_token()).status_code == 200


def test_no_forged_or_ill_formed_token_opens_the_door(beta: httpx.Client, auth: FakeAuth) -> None:
    let_in = {
        name: answer.status_code
        for name, token in forgeries(auth)
        if (answer := add_note(beta, token)) and answer.status_code != 401
    }

    assert let_in == {}


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwYXNz", "bearertoken"])
def test_a_header_that_holds_no_bearer_token_is_refused(beta: httpx.Client, value: str) -> None:
    answer = beta.post("/notes", json={"id": "1"}, headers={"authorization": value})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_two_authorization_headers_are_refused(beta: httpx.Client, auth: FakeAuth) -> None:
    headers = [("authorization", f"Bearer {auth.access_token()}")] * 2

    assert beta.post("/notes", json={"id": "1"}, headers=headers).status_code == 401


def test_a_token_without_the_scope_is_told_which(beta: httpx.Client, auth: FakeAuth) -> None:
    answer = add_note(beta, auth.access_token(scope="chat:read"))

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert "chat:write" in answer.json()["detail"]


@pytest.mark.parametrize("claims", [{"key": "key_1"}, {"role": "guest"}])
def test_routes_may_refuse_keys_and_guests(beta: httpx.Client, auth: FakeAuth, claims: dict[str, str]) -> None:
    assert beta.post("/account", headers=auth.headers()).status_code == 200
    assert beta.post("/account", headers=auth.headers(**claims)).status_code == 403


def test_a_key_is_told_that_it_is_one_before_it_is_told_of_a_scope_that_no_key_gets(
    beta: httpx.Client, auth: FakeAuth
) -> None:
    answer = beta.post("/account", headers=auth.headers(key="key_1", scope="chat:write"))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer.json()["detail"].startswith("API keys may not")


def test_known_keys_go_on_working_while_auth_is_down(tmp_path: Path) -> None:
    auth = FakeAuth()
    with ExitStack() as running:
        with serve(auth.app) as auth_url:
            beta = httpx.Client(base_url=running.enter_context(serve(create_example("beta", tmp_path, auth_url))))
            with_auth = add_note(beta, auth.access_token())
        without_auth = add_note(beta, auth.access_token())
        perhaps_new = add_note(beta, auth.access_token(header={"kid": "k" * 43}))
        never_ours = add_note(beta, auth.access_token(header={"kid": "never-ours"}))

    assert (with_auth.status_code, without_auth.status_code) == (200, 200)
    assert (perhaps_new.status_code, perhaps_new.json()["code"]) == (503, "identity_unavailable")
    assert perhaps_new.headers["retry-after"] == "1"
    assert never_ours.status_code == 401


@pytest.mark.parametrize(
    "document", [{}, [], {"keys": None}, {"keys": ["x"]}, {"keys": [{"kty": "OKP", "crv": "Ed25519"}]}]
)
def test_keys_that_make_no_sense_are_as_good_as_none(tmp_path: Path, document: object) -> None:
    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(document)

    keys = Starlette(routes=[Route("/.well-known/jwks.json", answer)])
    with serve(keys) as auth_url, serve(create_example("beta", tmp_path, auth_url)) as url:
        with httpx.Client(base_url=url) as beta:
            refused = add_note(beta, FakeAuth().access_token())

    assert (refused.status_code, refused.json()["code"]) == (503, "identity_unavailable")


def test_without_any_key_ever_fetched_nobody_gets_in_and_it_is_not_their_fault(tmp_path: Path) -> None:
    with serve(create_example("beta", tmp_path, "http://127.0.0.1:1")) as url, httpx.Client(base_url=url) as beta:
        answer = add_note(beta, FakeAuth().access_token())

    assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")


def test_only_the_named_service_with_the_right_secret_gets_in(beta: httpx.Client, auth: FakeAuth) -> None:
    secret = SECRET.get_secret_value()

    def status(token: str) -> int:
        return beta.get("/internal/whoami", headers={"authorization": f"Bearer {token}"}).status_code

    assert status(service_token("alpha", "beta", secret)) == 200
    assert status(service_token("alpha", "gamma", secret)) == 401
    assert status(service_token("stranger", "beta", secret)) == 401
    assert status(service_token("alpha", "beta", "w" * 40)) == 401
    assert status(auth.access_token()) == 401
    long_lived = {"sub": "alpha", "aud": "beta", "iat": int(time.time()), "exp": int(time.time()) + 3600}
    assert status(jwt.encode(long_lived, secret, algorithm="HS256")) == 401


@pytest.mark.parametrize("claims", [{"aud": ["beta"]}, {"exp": str(2**40)}, {"exp": 10**400}, {"exp": None}])
def test_a_service_token_that_says_it_oddly_is_refused(beta: httpx.Client, claims: dict[str, object]) -> None:
    now = int(time.time())
    odd = {"sub": "alpha", "aud": "beta", "iat": now, "exp": now + 60, **claims}
    token = jwt.encode(odd, SECRET.get_secret_value(), algorithm="HS256")

    answer = beta.get("/internal/whoami", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 401
