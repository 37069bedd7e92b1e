"""Consumer contracts: what a service expects of a neighbour is written by the consumer's test, kept by the provider's.

`CONTRACTS=write` rewrites the committed files (`make contracts`); otherwise a test fails when its file is not current.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import FakeAuth, serve, service_token

# Pact's core reads it when it is loaded: nothing is reported to anyone.
os.environ.setdefault("PACT_DO_NOT_TRACK", "true")

from pact import Pact, Verifier, match
from pact.pact import PactServer

ROOT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"
USERS_TOKEN = "Bearer the-users-token"
SERVICE_TOKEN = "Bearer the.services.token"
BACKGROUND_SECONDS = 3.0
WRITE = os.environ.get("CONTRACTS") == "write"


@contextmanager
def contract(consumer: str, provider: str, root: Path = ROOT, rewrite: bool = WRITE) -> Iterator[Pact]:
    """What `consumer` expects of `provider`: describe it on the pact, then make the consumer's calls to `served(pact)`.

    Afterwards the contract is written, or held against the committed one.
    """
    pact = Pact(consumer, provider)
    yield pact
    text = _as_text(pact)
    path = contract_path(consumer, provider, root)
    if rewrite:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    committed = path.read_text() if path.is_file() else ""
    assert text == committed, f"{path.relative_to(root)} is not what {consumer} expects now; run `make contracts`"


def served(pact: Pact) -> PactServer:
    """The provider as the pact describes it, for a `with`. Fails unless every interaction takes place as described."""
    return pact.serve(addr=LOOPBACK)


async def taken_place(server: PactServer) -> None:
    """Waits for calls that are made in the background, such as events."""
    async with asyncio.timeout(BACKGROUND_SECONDS):
        while not server.matched:  # noqa: ASYNC110 - it happens in Pact's core, which tells nobody
            await asyncio.sleep(0.01)


def as_user() -> dict[str, Any]:
    """The header of a request that passes on the user's own token; the consumer's call must carry `the-users-token`."""
    return {"Authorization": USERS_TOKEN}


def as_service() -> dict[str, Any]:
    """The header of a request that carries a service token."""
    return {"Authorization": match.regex(SERVICE_TOKEN, regex=r"Bearer [\w-]+\.[\w-]+\.[\w-]+")}


def contract_path(consumer: str, provider: str, root: Path = ROOT) -> Path:
    """Where the contract is committed: in the folder of the consumer."""
    return root / f"{consumer}-service" / "contracts" / f"{provider}.json"


def verifier(provider: str, url: str, *consumers: str) -> Verifier:
    """Verifies the committed contracts of `consumers` against the provider that runs at `url`."""
    verifier = Verifier(provider, host=LOOPBACK).add_transport(url=url)
    for consumer in consumers:
        verifier.add_source(contract_path(consumer, provider))
    return verifier


def states(consumer: str, provider: str, root: Path = ROOT) -> list[tuple[str, dict[str, Any]]]:
    """What the contract takes for granted: each state by name, with its parameters."""
    document = json.loads(contract_path(consumer, provider, root).read_text())
    found = [
        (state["name"], state.get("params", {}))
        for interaction in document["interactions"]
        for state in interaction.get("providerStates", ())
    ]
    return [state for place, state in enumerate(found) if state not in found[:place]]


class WithRealTokens:
    """The provider's app, for a verifier that replays the example tokens of contracts: real ones take their place."""

    def __init__(self, app: ASGIApp, *, user: str | None = None, service: str | None = None) -> None:
        self.app = app
        self._tokens = {USERS_TOKEN: f"Bearer {user}", SERVICE_TOKEN: f"Bearer {service}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            example = headers.get("authorization", "")
            if example in self._tokens:
                headers["authorization"] = self._tokens[example]
        await self.app(scope, receive, send)


def verify_for_auth(provider: str, app: ASGIApp, secret: SecretStr, furnish: Callable[[str, str], None]) -> None:
    """The contract of auth with every service that holds rows of owners, held against the provider's app.

    `furnish(url, owner)` gives an owner things, the way they come to this provider.
    """
    with serve(WithRealTokens(app, service=service_token("auth", provider, secret.get_secret_value()))) as url:

        def tell(path: str, **body: str) -> None:
            headers = {"Authorization": SERVICE_TOKEN}
            httpx.post(url + path, json=body, headers=headers, trust_env=False).raise_for_status()

        makers: dict[str, Callable[..., None]] = {
            "an owner with things": partial(furnish, url),
            "a guest that was merged": partial(tell, MERGE_PATH),
            "an owner that was erased": partial(tell, ERASE_PATH),
        }
        for name, parameters in states("auth", provider):
            makers[name](**parameters)
        verifier(provider, url, "auth").verify()


@contextmanager
def auth_as_expected_by(consumer: str) -> Iterator[tuple[str, FakeAuth]]:
    """The contract of every service with auth: the keys that verify users' tokens.

    Yields auth's URL, and what signs tokens that those keys verify.
    """
    auth = FakeAuth(kid="NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    auth.private_key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # the contract must not change
    (key,) = auth.jwks()["keys"]
    with contract(consumer, "auth") as pact:
        (
            pact.upon_receiving("a request for the keys of access tokens")
            .with_request("GET", "/.well-known/jwks.json")
            .will_respond_with(200)
            .with_body({"keys": match.each_like(_as_any_key(key), min=1)}, "application/json")
        )
        with served(pact) as server:
            yield server.url, auth


def _as_any_key(key: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kty": match.regex(key["kty"], regex="OKP"),
        "crv": match.regex(key["crv"], regex="Ed25519"),
        "x": match.regex(key["x"], regex=r"[A-Za-z0-9_-]{43}"),
        "kid": match.str(key["kid"]),
    }


def _as_text(pact: Pact) -> str:
    """The contract without the versions of the tools that wrote it."""
    with TemporaryDirectory() as folder:
        pact.write_file(folder)
        (written,) = Path(folder).iterdir()
        document = json.loads(written.read_text())
    document["metadata"] = {"pactSpecification": document["metadata"]["pactSpecification"]}
    document["interactions"].sort(key=lambda interaction: interaction["description"])
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
