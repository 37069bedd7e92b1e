"""The composition root of files: the only place where things are put together."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI

import chassis.app
from chassis.clock import system_clock
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.migrations import OWNERS, package_migrations
from chassis.neighbours import neighbour_client
from chassis.owners import Estates, owners_router
from files_service.blobs import Blobs
from files_service.collection import Collection
from files_service.extracting import Extracting
from files_service.extraction.confinement import Limits
from files_service.holdings import FileHoldings
from files_service.routes import contents, files
from files_service.settings import Settings
from files_service.settling import Settling
from files_service.stores.files import Files
from files_service.stores.images import Images
from files_service.uploads import Uploads

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The files service; it touches nothing before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            migrations = [package_migrations("files_service"), OWNERS]
            database = stack.enter_context(
                Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes)
            )
            http = await stack.enter_async_context(neighbour_client())
            keys = RemoteKeys(settings.auth_url, http)
            secrets = {"chat": settings.secret_chat_files, "auth": settings.secret_auth_files}
            app.state.identity = Identity("files", keys, secrets)

            blobs, settling = Blobs(settings.service_data / "blobs"), Settling()
            await _sweep(database, blobs)
            extracting = await stack.enter_async_context(
                Extracting(database, blobs, settling, system_clock, _limits(settings), workers=_worker_count(settings))
            )
            app.state.collection = Collection(database, blobs, settling, extracting)
            app.state.estates = Estates(database, FileHoldings(blobs, extracting))
            app.state.uploads = Uploads(
                database,
                blobs,
                extracting,
                system_clock,
                most_bytes=settings.max_file_bytes,
                most_waiting=settings.max_files_waiting,
            )
            app.state.ready = database.ready
            yield

    roomy = settings.model_copy(update={"max_body_bytes": settings.largest_body})
    routers = [files.router, contents.router, owners_router()]
    return chassis.app.create_app("files", roomy, routers=routers, lifespan=lifespan)


def _limits(settings: Settings) -> Limits:
    return Limits(
        memory_bytes=settings.extraction_memory_bytes,
        cpu_seconds=settings.extraction_cpu_seconds,
        wall_seconds=settings.extraction_seconds,
        document_seconds=settings.extraction_document_seconds,
        text_bytes=settings.max_text_bytes,
        image_side=settings.image_side,
    )


def _worker_count(settings: Settings) -> int:
    return settings.extraction_workers or max(1, len(os.sched_getaffinity(0)) - 1)


async def _sweep(database: Database, blobs: Blobs) -> None:
    files, images = await database.read(lambda tx: (Files(tx).ids(), Images(tx).file_ids()))
    swept = await asyncio.to_thread(blobs.sweep, files, images)
    if swept:
        log.info("orphans_swept", count=swept)
