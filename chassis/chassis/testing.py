"""For tests of services: a real server for an app, and a stand-in for auth that publishes keys and signs tokens."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from chassis.identity import ACCESS_TOKEN_TYPE, AUDIENCE, ISSUER, SERVICE_TOKEN_SECONDS
from chassis.ids import new_id
from chassis.logs import configure_logs

EVERY_SCOPE = (
    "account chat:read chat:write files:read files:write memory:read memory:write usage:read"  # what a sign-in gives
)
START_SECONDS = 10.0


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serves the app on loopback in a thread, lifespan included; yields its URL. Raises when it does not start."""
    configure_logs("test", "warning", "json")
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
    )

    def run() -> None:
        with suppress(SystemExit):  # how uvicorn says that the lifespan failed
            server.run(sockets=[listener])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the app did not start; its log says why")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


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
    """A service token as `Identity.token_for` makes it, for tests that play a neighbour."""
    now = int(time.time())
    claims = {"sub": caller, "aud": callee, "iat": now, "exp": now + SERVICE_TOKEN_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")
