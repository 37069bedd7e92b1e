"""python -m dev.offline_llm [--host 127.0.0.1] [--port 8900] [--tokens-per-second 50]"""

import uvicorn
from pydantic_settings import CliApp

from dev.offline_llm.app import create_app
from dev.offline_llm.settings import Settings

STREAMS_MAY_FINISH_SECONDS = 1
IDLE_CONNECTIONS_LAST_SECONDS = 75  # longer than clients keep them: else one is closed in the moment it is used again


def main() -> None:
    """Serves until told to stop."""
    settings = CliApp.run(Settings)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        timeout_keep_alive=IDLE_CONNECTIONS_LAST_SECONDS,
        timeout_graceful_shutdown=STREAMS_MAY_FINISH_SECONDS,
    )


if __name__ == "__main__":
    main()
