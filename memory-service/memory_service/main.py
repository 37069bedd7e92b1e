"""The composition root: the only place where memory is put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI

from chassis import app as chassis_app
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.inbox import Inbox, events_router
from chassis.migrations import INBOX, OWNERS, package_migrations
from chassis.neighbours import neighbour_client
from chassis.owners import Estates, owners_router
from memory_service.archive import Archive
from memory_service.calibrating import Calibrating
from memory_service.clients.summarizer import Summarizer
from memory_service.context import ContextOfTurns
from memory_service.curation import Curation
from memory_service.fold_worker import FoldWorker, JobHandler, Pace
from memory_service.folding import Limits
from memory_service.folds import Folds
from memory_service.holdings import MemoryHoldings
from memory_service.indexing import Indexing
from memory_service.memories import Memories
from memory_service.merges import Merges
from memory_service.preferences import PreferenceBook
from memory_service.revising import Revising
from memory_service.routes import context, facts, memories
from memory_service.routes import settings as settings_routes
from memory_service.scrubbing import Scrubbing
from memory_service.settings import Settings
from memory_service.stores.calibrations import Calibrations
from memory_service.stores.jobs import FOLD, MERGE
from memory_service.topic_forgetting import TopicForgetting

ROUTERS = (
    context.router,
    memories.router,
    facts.router,
    settings_routes.router,
    events_router("chat"),
    owners_router(),
)
BUFFER_OVERRUN = 2
"""How far beyond its limit the short-term memory may grow in a context while folding lags behind."""


def create_app(settings: Settings, clock: Clock = system_clock) -> FastAPI:
    """The service; it touches neither disk nor network before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _put_together(app, settings, clock, stack)
            yield

    return chassis_app.create_app("memory", settings, routers=ROUTERS, lifespan=lifespan)


async def _put_together(app: FastAPI, settings: Settings, clock: Clock, stack: AsyncExitStack) -> None:
    database = stack.enter_context(
        Database(
            settings.service_data,
            [package_migrations("memory_service"), INBOX, OWNERS],
            reserve_bytes=settings.storage_reserve_bytes,
        )
    )
    await stack.enter_async_context(Indexing(database))
    http = await stack.enter_async_context(neighbour_client())
    limits = _limits(settings)
    summarizer = await stack.enter_async_context(Summarizer(settings))
    owed = asyncio.Event()
    known = await database.read(lambda tx: Calibrations(tx).find(settings.summarizer_model))
    calibrating = Calibrating(settings.summarizer_model, known)
    folds = Folds(limits, clock, owed.set, calibrating.ratio)
    job_handlers: dict[str, JobHandler] = {FOLD: folds, MERGE: Merges(clock, folds.owe_merge_if_due)}
    worker = FoldWorker(database, summarizer, job_handlers, _pace(settings), clock, owed, calibrating)
    scrubbing = await stack.enter_async_context(Scrubbing(database, clock))
    archive = Archive(folds, scrubbing, clock)
    event_handlers = {
        "turn.ended": archive.turn_ended,
        "turn.revised": archive.turn_revised,
        "conversation.deleted": archive.conversation_deleted,
    }
    inbox = await stack.enter_async_context(Inbox(database, event_handlers, clock))
    if settings.has_summarizer:
        await stack.enter_async_context(worker)

    app.state.identity = _identity(settings, http, clock)
    app.state.estates = Estates(database, MemoryHoldings(database), clock)
    app.state.inbox = inbox
    app.state.context = ContextOfTurns(database, _buffer_tokens(settings))
    app.state.memories = Memories(database, limits, settings.has_summarizer, scrubbing, clock)
    app.state.curation = Curation(database, scrubbing, clock)
    app.state.preferences = PreferenceBook(database)
    app.state.topics = TopicForgetting(database, Revising(folds, scrubbing), scrubbing, clock)
    app.state.ready = database.ready


def _identity(settings: Settings, http: httpx.AsyncClient, clock: Clock) -> Identity:
    secrets = {"chat": settings.secret_chat_memory, "auth": settings.secret_auth_memory}
    return Identity("memory", RemoteKeys(settings.auth_url, http, clock), secrets, clock)


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.short_term_memory_k,
        settings.fold_high_tokens,
        settings.fold_low_tokens,
        settings.fold_source_tokens,
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        workers=settings.fold_workers,
        lease=settings.fold_lease_seconds,
        first_retry=settings.fold_first_retry_seconds,
        longest_retry=settings.fold_longest_retry_seconds,
    )


def _buffer_tokens(settings: Settings) -> int | None:
    return None if settings.short_term_memory_k else BUFFER_OVERRUN * settings.fold_high_tokens
