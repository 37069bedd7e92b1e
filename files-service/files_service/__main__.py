"""`python -m files_service` serves it."""

from chassis.server import run
from files_service.main import create_app
from files_service.settings import Settings

if __name__ == "__main__":
    run("files", Settings, create_app)
