"""One nginx in front of five recording upstreams, shared by all tests of the gateway."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from dev.gateway import command, render

from .door import Door
from .upstreams import Auth, Upstream

SERVICES = ("auth", "chat", "memory", "files", "analytics")


@dataclass(frozen=True)
class House:
    """The running gateway and what stands behind it."""

    directory: Path
    door: Door
    auth: Auth
    upstreams: dict[str, Upstream]

    def token(self, exchanged: str = "") -> str:
        """A credential that auth knows and that no other test has used."""
        token = f"token-{uuid4().hex}"
        self.auth.tokens[token] = exchanged
        return token

    def log(self) -> str:
        """All that nginx has written about its requests so far."""
        return (self.directory / "access.log").read_text() + (self.directory / "error.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if shutil.which(command(Path())[0]) is None:
        pytest.skip("nginx is not installed")
    directory = tmp_path_factory.mktemp("gateway")
    auth = Auth()
    upstreams: dict[str, Upstream] = {"auth": auth} | {name: Upstream() for name in SERVICES[1:]}
    (directory / "openapi.json").write_text('{"openapi":"3.1.0"}')
    door = Door(free_port())
    places = {f"GATEWAY_{name.upper()}": f"127.0.0.1:{upstream.port}" for name, upstream in upstreams.items()}
    sizes = {"GATEWAY_MAX_BODY": "64k", "GATEWAY_MAX_UPLOAD": "1m", "GATEWAY_OPENAPI": str(directory / "openapi.json")}
    render(directory, {"GATEWAY_LISTEN": f"127.0.0.1:{door.port}", **places, **sizes})
    with (directory / "error.log").open("wb") as error_log:
        nginx = subprocess.Popen(command(directory), stderr=error_log)
    try:
        if not _listens(door, nginx):
            raise RuntimeError((directory / "error.log").read_text())
        yield House(directory, door, auth, upstreams)
    finally:
        nginx.terminate()
        nginx.wait(10)
        for upstream in upstreams.values():
            upstream.stop()


@pytest.fixture
def house(running_house: House) -> House:
    for upstream in running_house.upstreams.values():
        upstream.reset()
    return running_house


@pytest.fixture
def door(house: House) -> Door:
    return house.door


@pytest.fixture
def auth(house: House) -> Auth:
    return house.auth


@pytest.fixture
def chat(house: House) -> Upstream:
    return house.upstreams["chat"]


@pytest.fixture
def files(house: House) -> Upstream:
    return house.upstreams["files"]


def _listens(door: Door, nginx: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 10
    while nginx.poll() is None and time.monotonic() < deadline:
        try:
            return door.get("/health").status == 200
        except ConnectionRefusedError:
            time.sleep(0.02)
    return False
