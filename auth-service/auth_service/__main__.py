"""`python -m auth_service` serves it; `python -m auth_service --help` lists what operators can do."""

import sys

from auth_service import commands
from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.server import run

if __name__ == "__main__":
    if sys.argv[1:]:
        commands.run(sys.argv[1:])
    else:
        run("auth", Settings, create_app)
