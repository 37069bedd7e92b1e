"""How the command line reaches the running service: by a file in the data folder, readable by its owner alone.

Whoever can read that folder could change the accounts anyway.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

SECRET_BYTES = 48


@dataclass(frozen=True, slots=True)
class OperatorDoor:
    """`port` of loopback; `secret` is what operators' service tokens are signed with until the next start."""

    port: int
    secret: str

    @classmethod
    def open(cls, folder: Path, port: int) -> "OperatorDoor":
        """A new one for this start of the service."""
        door = cls(port, secrets.token_urlsafe(SECRET_BYTES))
        draft = _file(folder).with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(door), file)
        draft.replace(_file(folder))
        return door

    @classmethod
    def find(cls, folder: Path) -> "OperatorDoor | None":
        """That of the service's last start; None where it never ran."""
        try:
            return cls(**json.loads(_file(folder).read_text()))
        except FileNotFoundError:
            return None


def _file(folder: Path) -> Path:
    return folder / "operator.json"
