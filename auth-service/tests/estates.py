"""A stand-in for the services that hold rows of owners: it takes what auth says about owners, over real HTTP."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_service.settings import Settings
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import serve

NAMES = ("chat", "memory", "files", "analytics")


class EstatesStandIn:
    """All four at once, told apart by whom the service token is for.

    `down` names those that answer 503, `hanging` the paths that are not answered as long as they stand in it.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.down: set[str] = set()
        self.hanging: set[str] = set()
        paths = (MERGE_PATH, ERASE_PATH)
        self.app = Starlette(routes=[Route(path, self._take, methods=["POST"]) for path in paths])

    def of(self, service: str) -> list[tuple[str, dict[str, Any]]]:
        """What that service was told, in order."""
        return [(path, body) for name, path, body in self.told if name == service]

    async def _take(self, request: Request) -> JSONResponse:
        token = request.headers["authorization"].removeprefix("Bearer ")
        name = jwt.decode(token, options={"verify_signature": False})["aud"]
        secret = Settings.model_fields[f"secret_auth_{name}"].default.get_secret_value()
        own_time = {"verify_iat": False, "verify_exp": False}  # a test's clock is not that of the library
        claims = jwt.decode(token, secret, algorithms=["HS256"], audience=name, options=own_time)
        assert claims["sub"] == "auth"
        while request.url.path in self.hanging:  # noqa: ASYNC110 - tests let go from another thread
            await asyncio.sleep(0.02)
        if name in self.down:
            return JSONResponse({"code": "unavailable"}, 503)
        self.told.append((name, request.url.path, await request.json()))
        return JSONResponse({"counts": {"things": len(self.told)}})


@contextmanager
def running_estates() -> Iterator[tuple[EstatesStandIn, dict[str, str]]]:
    """The stand-in, and the settings that lead auth to it."""
    estates = EstatesStandIn()
    with serve(estates.app) as url:
        yield estates, {f"{name}_url": url for name in NAMES}
