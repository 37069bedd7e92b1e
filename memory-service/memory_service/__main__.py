"""`python -m memory_service` serves it."""

from chassis.server import run
from memory_service.main import create_app
from memory_service.settings import Settings

if __name__ == "__main__":
    run("memory", Settings, create_app)
