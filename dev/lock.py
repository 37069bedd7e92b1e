"""Resolves the dependencies: one lock for development and tests, one for each image, one for the clients under test."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SERVICES = ("auth-service", "chat-service", "memory-service", "files-service", "analytics-service")
OFFLINE_LLM = {"orjson", "pillow", "pydantic-settings", "starlette", "uvicorn[standard]"}
BUILD = {"hatchling", "editables"}
HEADER = "# Made by `make lock`: pinned with hashes for Python 3.11 to 3.13.\n"


def main() -> None:
    """Writes requirements.lock at the top and in each service; the services' pins are those of the top."""
    chassis = dependencies(ROOT / "chassis")
    services = {name: dependencies(ROOT / name) for name in SERVICES}
    top = ROOT / "requirements.lock"
    write_lock(top, chassis | BUILD | group("dev") | OFFLINE_LLM.union(*services.values()))
    for name, own in services.items():
        write_lock(ROOT / name / "requirements.lock", chassis | BUILD | own, constraints=top)
    write_lock(ROOT / "dev/offline_llm/requirements.lock", OFFLINE_LLM, constraints=top)
    # other people's programs live in an environment of their own: some want other versions of what we use
    write_lock(ROOT / "tests/clients/python/requirements.lock", group("clients"))


def dependencies(folder: Path) -> set[str]:
    """What a package of ours asks for of others."""
    declared = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["dependencies"]
    return {line for line in declared if not line.startswith("deepthinks-")}


def group(name: str) -> set[str]:
    """What tests and checks need besides: `dev` those that run here, `clients` the clients that are tried."""
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"][name])


def write_lock(path: Path, wanted: set[str], constraints: Path | None = None) -> None:
    """Resolves for every supported Python and platform at once; no index is named in the file."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "-", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"),
        *(("--constraints", str(constraints)) if constraints else ()),
    ]
    resolved = subprocess.run(command, input="\n".join(sorted(wanted)), stdout=subprocess.PIPE, text=True, check=True)
    path.write_text(HEADER + resolved.stdout)
    print(f"{path.relative_to(ROOT)}: {resolved.stdout.count('==')} packages")


if __name__ == "__main__":
    main()
