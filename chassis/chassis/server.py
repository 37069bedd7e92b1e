"""Runs a service's application on uvicorn, the same way for each."""

import asyncio
import gc
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from chassis.logs import configure_logs
from chassis.settings import ServiceSettings

# Open requests get this long; what a service does behind them (chat: SHUTDOWN_SECONDS) ends earlier, or they are cut.
SHUTDOWN_SECONDS = 10
START_FAILED = 3
COLLECT_AFTER = (10_000, 20, 20)
"""With Python's own numbers a service under load spends 7 % of its time on looking for garbage that is not there."""
SettingsType = TypeVar("SettingsType", bound=ServiceSettings)


class Server(uvicorn.Server):
    """Tells the application that it is to end (`app.state.leaving`, async) while its last requests are still open."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What the application is made of stays once it has started: the collector need not look at it again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends when they have, and the lifespan after them."""
        leaving = getattr(self._app.state, "leaving", None)
        self._told = asyncio.create_task(leaving()) if leaving else None  # held, or it may be collected
        await super().shutdown(sockets)


def run(name: str, settings_class: type[SettingsType], create_app: Callable[[SettingsType], FastAPI]) -> None:
    """Serves until SIGTERM or SIGINT. Exits with a readable line when a setting is wrong."""
    os.umask(0o077)
    try:
        settings = settings_class()
    except ValidationError as error:
        raise SystemExit(_readable(name, error)) from None
    configure_logs(name, settings.log_level, settings.log_format)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.service_host,
        port=settings.service_port,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=75,
    )
    server = Server(config, app)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(START_FAILED)


def _readable(name: str, error: ValidationError) -> str:
    """What is wrong, without the values: they may be secrets."""
    lines = [f"{name} does not start; its settings are wrong:"]
    for problem in error.errors(include_input=False, include_url=False):
        setting = "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"  {setting + ': ' if setting else ''}{problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)
