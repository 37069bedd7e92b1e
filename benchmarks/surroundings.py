"""What a figure has to be read with, and whether it is good enough."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from dev import gateway


def surroundings() -> str:
    """Date, machine, versions, and how busy the machine already is."""
    nginx = subprocess.run([gateway.command(Path())[0], "-v"], capture_output=True, text=True, check=True).stderr
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{nginx.strip().removeprefix('nginx version: ')}, load {os.getloadavg()[0]:.1f}"
    )


def verdict(*musts: tuple[str, float, bool]) -> None:
    """Prints each must with its figure; exits with 1 when one is missed."""
    print(flush=True)
    for must, figure, is_met in musts:
        print(f"{'met   ' if is_met else 'MISSED'}  {must}: {figure:.2f}")
    if not all(is_met for _, _, is_met in musts):
        sys.exit(1)
