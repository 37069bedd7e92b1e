"""The composition root: the only place where the parts of chat are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
from fastapi import FastAPI

import chassis.app
from chassis.clock import system_clock
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.ids import new_id
from chassis.migrations import OUTBOX, OWNERS, package_migrations
from chassis.neighbours import Neighbour, neighbour_client
from chassis.outbox import Outbox
from chassis.owners import Estates, owners_router
from chat_service.admission import Admission
from chat_service.attachments import Attachments
from chat_service.briefing import Briefings
from chat_service.clients.files import Files
from chat_service.clients.memory import Memory
from chat_service.clients.model import Model
from chat_service.completions import CompletionLimits, Completions
from chat_service.context import Budgets, Contexts
from chat_service.conversations import ConversationBook
from chat_service.endings import Endings
from chat_service.event_log import EventLog
from chat_service.generation import Generations
from chat_service.holdings import ChatHoldings
from chat_service.ledger import Ledger
from chat_service.models import Catalogue
from chat_service.recovery import recover
from chat_service.responses import Archive
from chat_service.routes import completions, conversations, models, responses
from chat_service.running_calls import RunningCalls
from chat_service.settings import Settings
from chat_service.turns import Turns
from chat_service.upkeep import KeepingTimes, Upkeep

ROUTERS = (responses.router, conversations.router, completions.router, models.router, owners_router())


def create_app(settings: Settings) -> FastAPI:
    """chat-service; nothing is opened before the lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrations = [package_migrations("chat_service"), OUTBOX, OWNERS]
        with Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes) as database:
            async with _running(app, settings, database):
                yield

    return chassis.app.create_app("chat", settings, routers=ROUTERS, lifespan=lifespan)


@asynccontextmanager
async def _running(app: FastAPI, settings: Settings, database: Database) -> AsyncIterator[None]:
    """Started from the ground up, stopped in reverse: running responses end before what they need does."""
    clock, runner = system_clock, new_id("boot")
    async with neighbour_client() as http, Model(settings) as model:
        identity = _identity(settings, http)
        memory = Neighbour("memory", settings.memory_url, http, identity)
        files = Neighbour("files", settings.files_url, http, identity)
        analytics = Neighbour("analytics", settings.analytics_url, http, identity)
        outbox = Outbox(database, {"memory": memory, "analytics": analytics})
        ledger = Ledger(database, outbox)
        endings = Endings(ledger, outbox, clock)
        catalogue = Catalogue(settings.allowed_models, model.models)
        attachments = Attachments(Files(files), settings.turn_max_files, settings.file_wait_seconds)
        contexts = Contexts(database, Memory(memory, settings.memory_seconds), Budgets.from_settings(settings), clock)
        limits = CompletionLimits.from_settings(settings)
        await recover(database, endings, runner)
        async with (
            outbox,
            Upkeep(database, KeepingTimes.from_settings(settings), clock),
            EventLog(database, settings.stream_keep_alive_seconds) as event_log,
            RunningCalls(ledger.admit, ledger.record) as calls,
        ):
            briefings = Briefings(catalogue, attachments, contexts, settings.max_output_tokens)
            generations = Generations(database, model, briefings, endings, event_log, clock)
            admission = Admission(catalogue, attachments, runner, settings.input_max_characters, clock)
            app.state.identity = identity
            app.state.settings = settings
            app.state.catalogue = catalogue
            app.state.completions = Completions(model, catalogue, calls, limits)
            app.state.archive = Archive(database, event_log)
            app.state.conversations = ConversationBook(database, generations, outbox, clock)
            app.state.turns = Turns(database, admission, generations, event_log)
            app.state.estates = Estates(database, ChatHoldings(database, generations, calls), clock)
            await model.warm_up()
            app.state.leaving = partial(generations.close, settings.shutdown_seconds)
            app.state.ready = database.ready
            yield
            await app.state.leaving()


def _identity(settings: Settings, http: httpx.AsyncClient) -> Identity:
    secrets = {
        "auth": settings.secret_auth_chat,
        "memory": settings.secret_chat_memory,
        "files": settings.secret_chat_files,
        "analytics": settings.secret_chat_analytics,
    }
    return Identity("chat", RemoteKeys(settings.auth_url, http), secrets)
