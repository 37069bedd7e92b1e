"""The composition root of analytics: the only place where things are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import chassis.app
from analytics_service.holdings import UsageHoldings
from analytics_service.recording import record_usage
from analytics_service.routes import usage as usage_routes
from analytics_service.settings import Settings
from analytics_service.usage import Usage
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.inbox import Inbox, events_router
from chassis.migrations import INBOX, OWNERS, package_migrations
from chassis.neighbours import neighbour_client
from chassis.owners import Estates, owners_router


def create_app(settings: Settings) -> FastAPI:
    """The analytics service; it touches nothing before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrations = [package_migrations("analytics_service"), INBOX, OWNERS]
        with Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes) as database:
            async with neighbour_client() as http, Inbox(database, {"usage.recorded": record_usage}) as inbox:
                keys = RemoteKeys(settings.auth_url, http)
                secrets = {"chat": settings.secret_chat_analytics, "auth": settings.secret_auth_analytics}
                app.state.identity = Identity("analytics", keys, secrets)
                app.state.inbox = inbox
                app.state.estates = Estates(database, UsageHoldings())
                app.state.usage = Usage(database)
                app.state.ready = database.ready
                yield

    routers = [usage_routes.router, events_router("chat"), owners_router()]
    return chassis.app.create_app("analytics", settings, routers=routers, lifespan=lifespan)
