"""A person and their programs: an account, an API key, the official SDK on it, and plain HTTP beside it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from openai import OpenAI

SCOPES = ["chat:read", "chat:write", "files:read", "files:write", "memory:read", "memory:write", "usage:read"]


@dataclass(frozen=True)
class Somebody:
    """`sdk` and `http` use the key; `http` has its paths from the root, as in `/v1/responses`."""

    url: str
    key: str
    sdk: OpenAI
    http: httpx.Client


@contextmanager
def come(url: str) -> Iterator[Somebody]:
    """Signs up, makes a key and signs in with nothing else from then on."""
    account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long enough passphrase", "username": "Ada"}
    tokens = httpx.post(f"{url}/v1/auth/signup", json=account).raise_for_status().json()
    asked = {"name": "programs", "scopes": SCOPES}
    signed_in = {"authorization": f"Bearer {tokens['access_token']}"}
    key = httpx.post(f"{url}/v1/auth/keys", json=asked, headers=signed_in).raise_for_status().json()["key"]
    with (
        OpenAI(base_url=f"{url}/v1", api_key=key, timeout=30.0) as sdk,
        httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30.0) as http,
    ):
        yield Somebody(url, key, sdk, http)
