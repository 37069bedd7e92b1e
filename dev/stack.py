"""The whole system as one table, started without Docker. `make up` runs it; the end-to-end tests use `Stack`."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from analytics_service.settings import Settings as AnalyticsSettings
from auth_service.settings import Settings as AuthSettings
from chat_service.settings import Settings as ChatSettings
from dev import gateway
from dev.development_secrets import load_or_make_secrets
from dev.offline_llm.settings import Settings as OfflineSettings
from dev.processes import NotStarted, Process, claim, free_port, refuse_taken_port
from files_service.settings import Settings as FilesSettings
from memory_service.settings import Settings as MemorySettings

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Part:
    """One process of the system. `calls` are its neighbours; it gets only the variables its settings name."""

    name: str
    module: str
    settings: type[BaseSettings]
    calls: tuple[str, ...] = ()


# Who is there, and who calls whom. docker-compose.yml says the same; tests/house holds them against each other.
SERVICES = (
    Part("auth", "auth_service", AuthSettings, calls=("chat", "memory", "files", "analytics")),
    Part("chat", "chat_service", ChatSettings, calls=("auth", "memory", "files", "analytics")),
    Part("memory", "memory_service", MemorySettings, calls=("auth",)),
    Part("files", "files_service", FilesSettings, calls=("auth",)),
    Part("analytics", "analytics_service", AnalyticsSettings, calls=("auth",)),
)
OFFLINE_LLM = Part("offline-llm", "dev.offline_llm", OfflineSettings)

# One name, another meaning in each service: a value for all of them would be wrong for most.
EACH_SERVICES_OWN = {"MAX_BODY_BYTES"}

FIRST_CURL = """
  curl {url}/v1/auth/signup -H 'content-type: application/json' \\
    -d '{{"email": "you@example.com", "password": "correct horse battery", "username": "you"}}'
"""


class Stack:
    """The running system: `with Stack(folder, port) as stack` starts it and waits until every part is ready.

    `environment` holds the operator's settings (`.env`); without `TOGETHER_API_KEY` in it, offline-llm is the model.
    """

    def __init__(self, folder: Path, port: int = 0, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = dict(environment or {})
        self.offline = not self._environment.get("TOGETHER_API_KEY")
        self.addresses = {part.name: free_port() for part in self._parts()}
        self.port = port or free_port()
        secure = gateway.scheme(self._environment) == "https"
        # TLS needs a name: nginx shows no certificate to a client that came for an address
        self.url = f"https://localhost:{self.port}" if secure else f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._claim = claim(self.folder)
        try:
            refuse_taken_port(self.port)
            self.processes = {part.name: self._process(part) for part in self._parts()}
            self.processes["gateway"] = self._gateway()
            for process in self.processes.values():
                process.start()
            for process in self.processes.values():
                process.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops the door first, then what is behind it, each with time to finish what it does."""
        running = list(reversed(self.processes.values()))
        for process in running:
            process.ask_to_stop()
        for process in running:
            process.wait_until_stopped()
        self._claim.close()

    def restart(self, name: str) -> None:
        """Stops one part and starts it again on its old address, with the secrets that are there now."""
        self.processes[name].stop()
        self.processes |= {part.name: self._process(part) for part in self._parts() if part.name == name}
        self.processes[name].start()
        self.processes[name].wait_until_ready()

    def supervise(self, stopping: threading.Event) -> None:
        """Returns when `stopping` is set. Raises `NotStarted` when a part ends by itself."""
        while not stopping.wait(0.2):
            for process in self.processes.values():
                process.refuse_death()

    def _parts(self) -> tuple[Part, ...]:
        return (OFFLINE_LLM, *SERVICES) if self.offline else SERVICES

    def _process(self, part: Part) -> Process:
        return Process(
            part.name, self._command(part), self._variables(part), self.folder / "logs", self._ready_url(part)
        )

    def _address(self, name: str) -> str:
        return f"127.0.0.1:{self.addresses[name]}"

    def _ready_url(self, part: Part) -> str:
        return f"http://{self._address(part.name)}/health/ready"

    def _command(self, part: Part) -> list[str]:
        command = [sys.executable, "-m", part.module]
        if part is OFFLINE_LLM:
            command += ["--host", "127.0.0.1", "--port", str(self.addresses[part.name])]
        return command

    def _variables(self, part: Part) -> dict[str, str]:
        """What this part may see: the variables its own settings name, and nothing else."""
        secrets = load_or_make_secrets(self.folder / "secrets.env", self._environment)
        offered = {
            "SERVICE_HOST": "127.0.0.1",
            "LOG_FORMAT": "text",
            **{name: value for name, value in self._environment.items() if name not in EACH_SERVICES_OWN},
            **secrets,
            "SERVICE_PORT": str(self.addresses[part.name]),
            "SERVICE_DATA": str((self.folder / part.name).resolve()),
            **{f"{name.upper()}_URL": f"http://{self._address(name)}" for name in part.calls},
        }
        if self.offline:
            offered |= {"TOGETHER_API_KEY": "offline-llm-takes-any-key-0000000000", "TOGETHER_BASE_URL": ""}
            offered["TOGETHER_BASE_URL"] = f"http://{self._address(OFFLINE_LLM.name)}"
        prefix = part.settings.model_config.get("env_prefix", "").upper()
        known = {prefix + name.upper() for name in part.settings.model_fields}
        return {name: value for name, value in offered.items() if name in known}

    def _gateway(self) -> Process:
        folder = (self.folder / "gateway").resolve()
        variables = {f"GATEWAY_{part.name.upper()}": self._address(part.name) for part in SERVICES}
        own = {name: value for name, value in self._environment.items() if name in gateway.DEFAULTS}
        own.setdefault("GATEWAY_ACCESS_LOG", str((self.folder / "logs/access.log").resolve()))
        host = self._environment.get("GATEWAY_ADDRESS", "127.0.0.1")
        gateway.render(folder, {**own, **variables, "GATEWAY_LISTEN": f"{host}:{self.port}"})
        return Process("gateway", gateway.command(folder), {}, self.folder / "logs", f"{self.url}/health")


def main() -> None:
    """Runs the system until ^C, SIGTERM or SIGHUP; exits 1 with the last lines of whatever died."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--port", type=int, default=8080, help="where the gateway listens")
    ask.add_argument("--data", type=Path, default=ROOT / ".data", help="folder of everything that is kept")
    arguments = ask.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    environment = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    try:
        if unknown := environment.keys() - known_settings():
            print(f".env has names that are no setting: {', '.join(sorted(unknown))}", flush=True)
        print("starting …", flush=True)
        with Stack(arguments.data, arguments.port, environment | _overrides(environment)) as stack:
            print(_welcome(stack), flush=True)
            stack.supervise(stopping)
            print("\nstopping …", flush=True)
    except NotStarted as reason:
        sys.exit(f"\n{reason}")


def _overrides(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables of the shell win over `.env`, as everywhere."""
    names = known_settings() | set(environment)
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def known_settings() -> set[str]:
    """Every name that .env.example offers, and those of the stand-in."""
    offered = {line.lstrip("# ").split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines()}
    return {name for name in offered if name.isupper()} | {
        f"OFFLINE_LLM_{name.upper()}" for name in OfflineSettings.model_fields
    }


def _welcome(stack: Stack) -> str:
    model = "offline-llm, a stand-in without network (put TOGETHER_API_KEY into .env for real models)"
    return (
        f"Deepthinks is ready at {stack.url}/v1\n"
        f"  model  {model if stack.offline else 'Together AI'}\n"
        f"  data   {stack.folder}   logs  {stack.folder / 'logs'}\n"
        f"Try it:{FIRST_CURL.format(url=stack.url)}"
        "Stop it with ^C."
    )


if __name__ == "__main__":
    main()
