"""`python -m analytics_service` serves it."""

from analytics_service.main import create_app
from analytics_service.settings import Settings
from chassis.server import run

if __name__ == "__main__":
    run("analytics", Settings, create_app)
