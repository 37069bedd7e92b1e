"""For tests of services: a real server for an app, and a stand-in for auth that publishes keys and signs tokens."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from chassis import identity
from chassis.identity import ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER
from chassis.ids import new_id
from chassis.logs import configure_logs

EVERY_SCOPE = (
    "account chat:read chat:write files:read files:write memory:read memory:write usage:read"  # what a sign-in gives
)
START_SECONDS = 10.0
LOOK_SECONDS = 0.005

T = TypeVar("T")


class _Server(uvicorn.Server):
    """Stops as soon as it is asked and nothing is open: uvicorn takes its time, which tests do not have 200 times."""

    async def main_loop(self) -> None:
        await self.on_tick(0)  # which writes the date that answers carry
        while not self.should_exit:  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(LOOK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        else:
            await self.lifespan.shutdown()


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serves the app on loopback in a thread, lifespan included; yields its URL. Raises when it does not start."""
    configure_logs("test", "warning", "json")
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2))

    def run() -> None:
        with suppress(SystemExit):  # how uvicorn says that the lifespan failed
            server.run(sockets=[listener])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the app did not start; its log says why")
        time.sleep(LOOK_SECONDS)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def eventually(what: Callable[[], T], seconds: float = 20.0) -> T:
    """Waits for something that happens by itself; returns what is true then."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(LOOK_SECONDS)
    return found


class FakeAuth:
    """What other services see of auth: its published keys, over real HTTP, and tokens signed with them."""

    def __init__(self, kid: str = "test-key") -> None:
        self.kid = kid
        self.private_key = Ed25519PrivateKey.generate()
        self.requests = 0
        self.app = Starlette(routes=[Route("/.well-known/jwks.json", self._answer_keys)])

    def access_token(self, user_id: str = "user_1", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A valid access token; keyword arguments replace claims, None removes one."""
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": f"sess_of_{user_id}",
            "role": "user",
            "scope": EVERY_SCOPE,
            "jti": new_id("tok"),
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        full_header = {"typ": ACCESS_TOKEN_TYPE, "kid": self.kid, **(header or {})}
        return jwt.encode(payload, self.private_key, algorithm="EdDSA", headers=full_header)

    def headers(self, user_id: str = "user_1", **claims: Any) -> dict[str, str]:
        """Request headers that sign a user in."""
        return {"authorization": f"Bearer {self.access_token(user_id, **claims)}"}

    def jwks(self) -> dict[str, Any]:
        """The document auth would publish."""
        key = OKPAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.kid, "alg": "EdDSA", "use": "sig"}]}

    async def _answer_keys(self, _: Request) -> JSONResponse:
        self.requests += 1
        return JSONResponse(self.jwks())


def service_token(caller: str, callee: str, secret: str) -> str:
    """A service token of this moment, for tests that play a neighbour."""
    return identity.service_token(caller, callee, secret, time.time())
