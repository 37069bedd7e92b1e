"""The whole system on one core, model and load on another; an nginx that passes straight to the model is the bound."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.house import MEMORY, Part, cpu_seconds, running
from dev import gateway
from dev.processes import Process, free_port
from dev.stack import Stack

PLENTY = "10000000"
ENVIRONMENT = {
    # Signing up so many people is no part of what is measured.
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_ITERATIONS": "1",
    **{f"GATEWAY_{what}_PER_MINUTE": PLENTY for what in ("AUTH", "TURNS", "REST")},
    **{f"{what}_PER_MINUTE": PLENTY for what in ("TURNS", "TOKENS")},
    "GATEWAY_OPEN_REQUESTS": "60000",
    "SIGN_UPS_PER_ADDRESS_PER_HOUR": PLENTY,
}
PARTS = ("chat", "gateway", "memory", "auth", "analytics", "files")
"""All that is ours, but for the model."""

BOUND = """
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
    access_log off;
    upstream model { server 127.0.0.1:%d; keepalive 256; }
    server {
        listen 127.0.0.1:%d;
        location = /health { return 200; }
        location / {
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }
    }
}
"""


@dataclass(frozen=True)
class Person:
    """Somebody who has signed up, with a conversation of their own."""

    token: str
    conversation: str


class PinnedStack:
    """What runs, and what each part of it has used."""

    def __init__(self, stack: Stack, bound: Part) -> None:
        self.stack = stack
        self.bound = bound
        self.port = stack.port
        self.model_port = stack.addresses["offline-llm"]

    def cpu_seconds(self) -> dict[str, float]:
        """By the name of each part; workers count for nginx."""
        used = {name: cpu_seconds(process) for name, process in self.stack.processes.items()}
        return {**used, "bound": self.bound.cpu_seconds}

    def sign_up(self, count: int, name: str) -> list[Person]:
        """So many new people."""
        with httpx.Client(base_url=self.stack.url, timeout=60) as http:
            return [_sign_up(http, f"{name}-{number}@example.com") for number in range(count)]


@contextmanager
def pinned_stack(tokens_per_second: float, *, everything_on_one_core: bool = True) -> Iterator[PinnedStack]:
    """Runs it on fresh folders. Not on one core, the system shares both with the load.

    Raises `SystemExit` where there is but one core.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("this needs two cores: one for the system, one for the load")
    environment = {**ENVIRONMENT, "OFFLINE_LLM_TOKENS_PER_SECOND": str(tokens_per_second), "LOG_FORMAT": "json"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=MEMORY) as state:
        # What is started from here on inherits it.
        os.sched_setaffinity(0, cores[:1] if everything_on_one_core else cores[:2])
        try:
            with Stack(Path(folder), environment=environment | {"GATEWAY_STATE": state}) as stack:
                with _bound(Path(folder), stack.addresses["offline-llm"]) as bound:
                    if everything_on_one_core:
                        os.sched_setaffinity(0, cores[1:2])
                        _move(stack.processes["offline-llm"].pid, cores[1])
                    yield PinnedStack(stack, bound)
        finally:
            os.sched_setaffinity(0, cores)


@contextmanager
def _bound(folder: Path, model_port: int) -> Iterator[Part]:
    port, home = free_port(), folder / "bound"
    (home / "conf").mkdir(parents=True)
    (home / "conf/nginx.conf").write_text(BOUND % (model_port, port))
    url = f"http://127.0.0.1:{port}/health"
    with running(Process("bound", gateway.command(home), {}, folder / "logs", url)) as process:
        yield Part(port, process, home)


def _move(pid: int, core: int) -> None:
    """All threads that it has; those to come follow."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {core})


def _sign_up(http: httpx.Client, email: str) -> Person:
    body = {"email": email, "password": "four quiet herons", "username": "bench"}
    token = http.post("/v1/auth/signup", json=body).raise_for_status().json()["access_token"]
    opened = http.post("/v1/conversations", json={}, headers={"authorization": f"Bearer {token}"})
    return Person(token, opened.raise_for_status().json()["id"])
