"""`python -m auth_service` serves it."""

from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.server import run

if __name__ == "__main__":
    run("auth", Settings, create_app)
