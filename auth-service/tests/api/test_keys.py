"""The published keys, as the other services use them."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from chassis.identity import Identity, RemoteKeys
from chassis.problems import Unauthenticated

from ..conftest import Client, MakeSettings, Start

FIRST_SECRET, SECOND_SECRET = "first " * 8, "second " * 8


async def test_another_service_verifies_our_tokens_with_them(auth: Client) -> None:
    tokens = auth.sign_up()

    async with httpx.AsyncClient() as http:
        identity = Identity("chat", RemoteKeys(str(auth.base_url), http), {})
        principal = await identity.user(tokens["access_token"])

    assert (principal.user_id, principal.role, principal.key_id) == (tokens["user"]["id"], "user", None)
    assert {"account", "chat:write", "usage:read"} <= principal.scopes


async def test_the_tokens_of_another_secret_are_refused_elsewhere(
    auth: Client, start: Start, make_settings: MakeSettings, tmp_path: Any
) -> None:
    with start(make_settings(jwt_secret_key=FIRST_SECRET, service_data=tmp_path / "other")) as other:
        foreign = other.guest()["access_token"]

    async with httpx.AsyncClient() as http:
        identity = Identity("chat", RemoteKeys(str(auth.base_url), http), {})

        with pytest.raises(Unauthenticated):
            await identity.user(foreign)


def test_only_public_members_are_published_under_their_thumbprint(auth: Client) -> None:
    answer = auth.get("/.well-known/jwks.json")

    (key,) = answer.json()["keys"]
    required = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).rstrip(b"=").decode()
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert key["kid"] == thumbprint
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_a_rotated_secret_refuses_no_valid_token(start: Start, make_settings: MakeSettings) -> None:
    with start(make_settings(jwt_secret_key=FIRST_SECRET)) as auth:
        before = auth.sign_up()["access_token"]

    with start(make_settings(jwt_secret_key=SECOND_SECRET, jwt_previous_secret_keys=FIRST_SECRET)) as auth:
        after = auth.guest()["access_token"]
        published = auth.get("/.well-known/jwks.json").json()["keys"]
        checks = [auth.check(token).status_code for token in (before, after)]
        async with httpx.AsyncClient() as http:
            identity = Identity("chat", RemoteKeys(str(auth.base_url), http), {})
            principals = [await identity.user(token) for token in (before, after)]

    assert len(published) == 2
    assert checks == [204, 204]
    assert [principal.role for principal in principals] == ["user", "guest"]
