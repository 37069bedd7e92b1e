"""What is measured: the real nginx on gateway's files, one real auth process, an nginx that answers for the rest."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev import gateway
from dev.processes import Process, free_port

ROUTE = "/v1/memory/stand-in"
"""A path that the gateway routes like most: small body, auth asked, no answer that streams."""

MEMORY = Path("/dev/shm")
"""A file system of Linux that is no disk."""

STAND_IN = """
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
    access_log off;
    server {
        listen 127.0.0.1:%d;
        location / { return 204; }
        location = /health { return 200; }
    }
}
"""

Edit = tuple[str, str, str]
"""A file of gateway/, what stands in it exactly once, and what is to stand there instead."""


@dataclass(frozen=True)
class Part:
    """A running process that listens on `port` of loopback."""

    port: int
    process: Process
    folder: Path

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far, its worker processes included."""
        return cpu_seconds(self.process)

    @property
    def peak_memory(self) -> int:
        """The most bytes that it had resident at any time."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@contextmanager
def auth_service(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Part]:
    """One auth process with its defaults, but for `settings`."""
    port = free_port()
    address = {"SERVICE_HOST": "127.0.0.1", "SERVICE_PORT": str(port), "SERVICE_DATA": str(folder / "auth")}
    command = [sys.executable, "-m", "auth_service"]
    variables = {**address, **(settings or {})}
    with running(Process("auth", command, variables, folder / "logs", _url(port, "/health/ready"))) as process:
        yield Part(port, process, folder / "auth")


@contextmanager
def stand_in(folder: Path) -> Iterator[Part]:
    """The service behind the door: an nginx that answers 204 to everything, so that the door is what is measured."""
    port, home = free_port(), folder / "stand-in"
    (home / "conf").mkdir(parents=True)
    (home / "conf/nginx.conf").write_text(STAND_IN % port)
    with running(Process("stand-in", gateway.command(home), {}, folder / "logs", _url(port, "/health"))) as process:
        yield Part(port, process, home)


@contextmanager
def door(folder: Path, name: str, auth: Part, rest: Part, settings: Mapping[str, str], *edits: Edit) -> Iterator[Part]:
    """The gateway with its defaults, but for `settings` and `edits`; its access log is `<folder>/access.log`.

    What it remembers lies in memory, where docker-compose.yml has it too, unless `settings` say otherwise.
    """
    port, home = free_port(), folder / name
    places = {f"GATEWAY_{other}": f"127.0.0.1:{rest.port}" for other in ("CHAT", "MEMORY", "FILES", "ANALYTICS")}
    places |= {"GATEWAY_AUTH": f"127.0.0.1:{auth.port}", "GATEWAY_LISTEN": f"127.0.0.1:{port}"}
    with tempfile.TemporaryDirectory(dir=MEMORY) as state:
        gateway.render(home, {**places, "GATEWAY_STATE": state, **settings})
        for file, old, new in edits:
            _edit(home / "conf" / file, old, new)
        with running(Process(name, gateway.command(home), {}, folder / "logs", _url(port, "/health"))) as process:
            yield Part(port, process, home)


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """From when it is ready until it has stopped."""
    process.start()
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.stop()


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise LookupError(f"{path.name} has changed: {old!r} stands in it {text.count(old)} times")
    path.write_text(text.replace(old, new))


def cpu_seconds(process: Process) -> float:
    """What it has used so far, its worker processes included."""
    pid = process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_cpu_seconds(each) for each in (str(pid), *workers))


def _cpu_seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"
