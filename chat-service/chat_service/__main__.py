"""`python -m chat_service` serves chat."""

from chassis.server import run
from chat_service.main import create_app
from chat_service.settings import Settings

if __name__ == "__main__":
    run("chat", Settings, create_app)
