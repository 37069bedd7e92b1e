"""One process of the system: started with its own variables only, watched, stopped with time to finish."""

import fcntl
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import httpx

READY_SECONDS = 60.0
STOP_SECONDS = 25.0
LAST_LINES = 20
# Below the range that the system hands out for outgoing connections, so that nothing takes a port between two starts.
PORTS = range(20_000, 30_000)
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "PYTHONPATH")


class NotStarted(Exception):
    """The system cannot start or go on: says why, with the last words of the part that ended."""


def claim(folder: Path) -> IO[str]:
    """Keeps a second system off the folder until closed. Raises `NotStarted` when there is one."""
    file = (folder / "running").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise NotStarted(f"Deepthinks is already running on {folder}; a second copy needs DATA= and PORT=") from None
    return file


def refuse_taken_port(port: int) -> None:
    """Raises `NotStarted` when somebody listens there, or there is no such port."""
    if port > 65535:
        raise NotStarted(f"there is no port {port}; choose another with PORT=")
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise NotStarted(f"port {port} is taken; choose another with PORT=")


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Process:
    """Writes its output to `<logs>/<name>.log`; `ready_url` answers 200 once it can work.

    Asked to stop, it has `stop_seconds` before it is killed.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        variables: Mapping[str, str],
        logs: Path,
        ready_url: str,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.name = name
        self._command = command
        self._variables = {key: os.environ[key] for key in PASSED_ON if key in os.environ} | dict(variables)
        self.log = logs / f"{name}.log"
        self._ready_url = ready_url
        self._stop_seconds = stop_seconds
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._running is not None
        return self._running.pid

    def start(self) -> None:
        """Starts it; its own session, so that a ^C at the terminal reaches only whoever supervises it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._running = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._variables,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Raises `NotStarted` when it ends or is not ready within a minute."""
        deadline = time.monotonic() + READY_SECONDS
        # our own process on loopback: a certificate of the operator's need not be known here
        with httpx.Client(timeout=2.0, trust_env=False, verify=False) as http:  # noqa: S501
            while time.monotonic() < deadline:
                self.refuse_death()
                try:
                    if http.get(self._ready_url).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                time.sleep(0.05)
        raise NotStarted(self._last_words("did not become ready"))

    def refuse_death(self) -> None:
        """Raises `NotStarted` when it is not running any more."""
        if self._running is not None and self._running.poll() is not None:
            raise NotStarted(self._last_words(f"ended with status {self._running.returncode}"))

    def ask_to_stop(self, number: int = signal.SIGTERM) -> None:
        """Sends the signal, if it still runs."""
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(number)

    def wait_until_stopped(self) -> None:
        """Waits, then kills."""
        if self._running is None:
            return
        try:
            self._running.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running = None

    def stop(self) -> None:
        """Asks and waits."""
        self.ask_to_stop()
        self.wait_until_stopped()

    def kill(self) -> None:
        """The crash: no time to finish anything."""
        self.ask_to_stop(signal.SIGKILL)
        self.wait_until_stopped()

    def _last_words(self, what: str) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"{self.name} {what}; its last lines ({self.log}):", *(f"  {line}" for line in lines)])
