"""Secrets: made once for a laptop in an ignored folder, or for `.env` by `make secrets`."""

import argparse
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

NAMES = ("JWT_SECRET_KEY", "SECRET_CHAT_MEMORY", "SECRET_CHAT_FILES", "SECRET_CHAT_ANALYTICS")


def load_or_make_secrets(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The secrets that `given` does not have, read from `path`; those not there yet are made and kept there."""
    kept = {name: value for name, value in dotenv_values(path).items() if value}
    missing = [name for name in NAMES if name not in kept and not given.get(name)]
    if missing:
        append_new_secrets(path, missing)
        kept = {name: value for name, value in dotenv_values(path).items() if value}
    return {name: value for name, value in kept.items() if not given.get(name)}


def append_new_secrets(path: Path, names: list[str]) -> None:
    """Adds a fresh secret for each name; the file is readable by its owner alone and on disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write("\n" if os.fstat(descriptor).st_size else "")  # the last line may lack its end
        for name in names:
            file.write(f"{name}={secrets.token_urlsafe(48)}\n")
        file.flush()
        os.fsync(descriptor)


def main() -> None:
    """Adds the secrets that `.env` lacks."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("path", type=Path)
    path: Path = ask.parse_args().path
    present = {name for name, value in dotenv_values(path).items() if value}
    missing = [name for name in NAMES if name not in present]
    if missing:
        append_new_secrets(path, missing)
    print(f"{path}: added {', '.join(missing) or 'nothing, all secrets are there'}")


if __name__ == "__main__":
    main()
