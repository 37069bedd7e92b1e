"""Load by wrk: as many requests as a door takes, over a few connections."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.house import Part

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("credentials.lua")


class WrkMissing(SystemExit):
    """There is nothing to make the load with."""

    def __init__(self) -> None:
        super().__init__("wrk is not installed: `apt-get install wrk`, `brew install wrk`")


@dataclass(frozen=True)
class Load:
    """What came of it: latencies in seconds, CPU seconds of one request at the door and in auth."""

    rate: float
    p50: float
    p99: float
    door_cpu: float
    auth_cpu: float


def load(door: Part, auth: Part, path: str, credentials: list[str], seconds: int) -> Load:
    """Asks for `path` with the credentials in turn. Raises `ValueError` when anything but 2xx came back."""
    before = door.cpu_seconds, auth.cpu_seconds
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(credentials) + "\n")
        file.flush()
        found = _wrk(f"http://127.0.0.1:{door.port}{path}", file.name, seconds)
    if found["failed"]:
        raise ValueError(f"{found['failed']} of {found['requests']} requests failed")
    count = found["requests"]
    return Load(
        rate=count / found["microseconds"] * 1e6,
        p50=found["p50"] / 1e6,
        p99=found["p99"] / 1e6,
        door_cpu=(door.cpu_seconds - before[0]) / count,
        auth_cpu=(auth.cpu_seconds - before[1]) / count,
    )


def _wrk(url: str, credentials: str, seconds: int) -> dict[str, int]:
    program = shutil.which("wrk")
    if program is None:
        raise WrkMissing
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", str(seconds), "--script", str(SCRIPT)]
    done = subprocess.run([program, *options, url, "--", credentials], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found
