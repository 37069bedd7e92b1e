"""Secrets: made once for a laptop in an ignored folder, or for `.env` by `make secrets`."""

import argparse
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

NAMES = (
    "JWT_SECRET_KEY",
    "SECRET_AUTH_CHAT",
    "SECRET_AUTH_MEMORY",
    "SECRET_AUTH_FILES",
    "SECRET_AUTH_ANALYTICS",
    "SECRET_CHAT_MEMORY",
    "SECRET_CHAT_FILES",
    "SECRET_CHAT_ANALYTICS",
    "PROVIDER_KEY_SECRET",
)


def load_or_make_secrets(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The secrets that `given` does not have, read from `path`; those not there yet are made and kept there."""
    kept = {name: value for name, value in dotenv_values(path).items() if value}
    missing = [name for name in NAMES if name not in kept and not given.get(name)]
    if missing:
        add_new_secrets(path, missing)
        kept = {name: value for name, value in dotenv_values(path).items() if value}
    return {name: value for name, value in kept.items() if not given.get(name)}


def add_new_secrets(path: Path, names: list[str]) -> None:
    """A fresh secret for each name, on its empty line or at the end; the file is its owner's alone, and on disk."""
    text = path.read_text() if path.exists() else ""
    for name in names:
        line = f"{name}={secrets.token_urlsafe(48)}\n"
        text, filled = re.subn(rf"^{name}[ \t]*=[ \t]*(\n|\Z)", line, text, count=1, flags=re.MULTILINE)
        if not filled:
            text += ("" if text.endswith("\n") or not text else "\n") + line  # the last line may lack its end
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def main() -> None:
    """Adds the secrets that `.env` lacks."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("path", type=Path)
    path: Path = ask.parse_args().path
    present = {name for name, value in dotenv_values(path).items() if value}
    missing = [name for name in NAMES if name not in present]
    if missing:
        add_new_secrets(path, missing)
    print(f"{path}: added {', '.join(missing) or 'nothing, all secrets are there'}")


if __name__ == "__main__":
    main()
