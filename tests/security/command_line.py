"""The operators' command line, as an operator types it on the machine where auth runs."""

import json
import os
import subprocess
import sys
from typing import Any

from dev.stack import ROOT, Stack


def operate(stack: Stack, *arguments: str) -> Any:
    """What `python -m auth_service ...` prints, read as JSON; it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "auth_service", *arguments],
        env={"PATH": os.environ["PATH"], "SERVICE_DATA": str(stack.folder / "auth")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
