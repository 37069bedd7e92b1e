"""The composition root of analytics: the only place where things are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import FastAPI

import chassis.app
from analytics_service.recording import record_usage
from analytics_service.routes import usage as usage_routes
from analytics_service.settings import Settings
from analytics_service.usage import Usage
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.inbox import Inbox, events_router
from chassis.migrations import INBOX, package_migrations
from chassis.neighbours import neighbour_client
from chassis.problems import Problem

FORGET_EVERY_SECONDS = 3600

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The analytics service; it touches nothing before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrations = [package_migrations("analytics_service"), INBOX]
        with Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes) as database:
            async with neighbour_client() as http:
                keys = RemoteKeys(f"{settings.auth_url}/.well-known/jwks.json", http)
                app.state.identity = Identity("analytics", keys, {"chat": settings.secret_chat_analytics})
                app.state.inbox = Inbox(database, {"usage.recorded": record_usage})
                app.state.usage = Usage(database)
                app.state.ready = lambda: _answers(database)
                forgetting = asyncio.create_task(_forget_old_events(app.state.inbox))
                yield
                forgetting.cancel()
                with suppress(asyncio.CancelledError):
                    await forgetting

    routers = [usage_routes.router, events_router("chat")]
    return chassis.app.create_app("analytics", settings, routers=routers, lifespan=lifespan)


async def _answers(database: Database) -> bool:
    await database.read(lambda _: None)
    return True


async def _forget_old_events(inbox: Inbox) -> None:
    while True:
        await asyncio.sleep(FORGET_EVERY_SECONDS)
        try:
            await inbox.forget_old()
        except Problem as problem:  # a full disk, say; the next hour may be better
            log.warning("events_not_forgotten", code=problem.code)
