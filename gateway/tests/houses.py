"""A running gateway with what stands behind it: the real nginx on the real files, five recording upstreams."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest

from dev.gateway import command, render
from dev.processes import free_port

from .door import Door
from .upstreams import Auth, Upstream

SERVICES = ("auth", "chat", "memory", "files", "analytics")
UNLIMITED = {f"GATEWAY_{bucket}_PER_MINUTE": "1000000" for bucket in ("AUTH", "TURNS", "UPLOADS", "REST")}


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

    def cached(self) -> list[bytes]:
        """What nginx remembers of auth's answers, as it lies on the disk."""
        found = []
        for path in (self.directory / "auth-cache").rglob("*"):
            try:
                found.append(path.read_bytes())
            except (IsADirectoryError, FileNotFoundError):
                continue  # a folder, or dropped meanwhile
        return found

    def reset(self) -> Self:
        """As new for the next test, but for what nginx remembers."""
        for upstream in self.upstreams.values():
            upstream.reset()
        return self


@contextmanager
def opened(
    directory: Path, settings: Mapping[str, str], *, door: Door | None = None, hurry: int = 1
) -> Iterator[House]:
    """The gateway until the end of the block; unless `settings` say otherwise, no bucket is ever full.

    `hurry` divides the seconds of every timeout.
    """
    if shutil.which(command(Path())[0]) is None:
        pytest.skip("nginx is not installed")
    door = door or Door(free_port())
    auth = Auth()
    upstreams: dict[str, Upstream] = {"auth": auth} | {name: Upstream() for name in SERVICES[1:]}
    places = {f"GATEWAY_{name.upper()}": f"127.0.0.1:{upstream.port}" for name, upstream in upstreams.items()}
    contract = directory / "openapi.json"
    contract.write_text('{"openapi":"3.1.0"}')
    listen = {"GATEWAY_LISTEN": f"127.0.0.1:{door.port}", "GATEWAY_OPENAPI": str(contract)}
    render(directory, {**UNLIMITED, **places, **listen, **settings})
    if hurry > 1:
        _hurry(directory / "conf", hurry)
    try:
        with nginx_on(directory, door):
            yield House(directory, door, auth, upstreams)
    finally:
        for upstream in upstreams.values():
            upstream.stop()


@contextmanager
def nginx_on(directory: Path, door: Door) -> Iterator[None]:
    """nginx on what was rendered there, listening."""
    with (directory / "error.log").open("wb") as error_log:
        nginx = subprocess.Popen(command(directory), stderr=error_log)
    try:
        if not _listens(door, nginx):
            raise RuntimeError((directory / "error.log").read_text())
        yield
    finally:
        nginx.terminate()
        nginx.wait(10)


def _hurry(conf: Path, times: int) -> None:
    for path in conf.rglob("*.conf"):
        text = path.read_text()
        path.write_text(re.sub(r"(\w_timeout) (\d+)s;", lambda m: f"{m[1]} {int(m[2]) * 1000 // times}ms;", text))


def _listens(door: Door, nginx: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 10
    while nginx.poll() is None and time.monotonic() < deadline:
        try:
            return door.get("/health").status == 200
        except ConnectionRefusedError:
            time.sleep(0.02)
    return False
