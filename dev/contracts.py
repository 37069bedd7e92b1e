"""`python -m dev.contracts` writes what the services publish: an OpenAPI for each, and the one the gateway serves.

With `--check` it writes nothing, names what is stale and ends with 1.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from dev.public_openapi import merge

ROOT = Path(__file__).parent.parent
SERVICES = ("auth", "chat", "memory", "files", "analytics")


def published(service: str) -> dict[str, Any]:
    """The OpenAPI of a service with default settings, internal paths included; the service does not start."""
    settings = import_module(f"{service}_service.settings").Settings()
    document: dict[str, Any] = import_module(f"{service}_service.main").create_app(settings).openapi()
    return document


def contracts(services: Iterable[str] = SERVICES) -> dict[str, str]:
    """Every file that `make contracts` writes, by its path in the repository."""
    documents = {service: published(service) for service in services}
    texts = {f"{service}-service/contracts/openapi.json": as_text(document) for service, document in documents.items()}
    return {**texts, "gateway/openapi.json": as_text(merge(documents))}


def as_text(document: Mapping[str, Any]) -> str:
    """JSON that changes only where the document does."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stale(root: Path, texts: Mapping[str, str]) -> list[str]:
    """The paths whose files under `root` are missing or say something else."""
    return [path for path, text in texts.items() if not (root / path).is_file() or (root / path).read_text() != text]


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Writes every file, and the folders they need."""
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def main(arguments: Sequence[str], root: Path = ROOT, services: Iterable[str] = SERVICES) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what is stale")
    check = parser.parse_args(arguments).check
    texts = contracts(services)
    changed = stale(root, texts)
    if not check:
        write(root, texts)
    for path in changed:
        print(f"{'stale' if check else 'wrote'}: {path}")
    if check and changed:
        print("`make contracts` brings them up to date; review the difference: it is API.")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
