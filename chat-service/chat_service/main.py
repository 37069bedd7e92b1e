"""The composition root: the only place where the parts of chat are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

import chassis.app
from chassis.calibration import TokenRatios
from chassis.clock import system_clock
from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.ids import new_id
from chassis.migrations import OUTBOX, OWNERS, package_migrations
from chassis.neighbours import Neighbour, neighbour_client
from chassis.outbox import Outbox
from chassis.owners import Estates, owners_router
from chat_service.admission import Admission
from chat_service.allowances import Allowances, UserLimits
from chat_service.answering import Answering
from chat_service.attachments import Attachments
from chat_service.branches import Branches
from chat_service.briefing import Briefings
from chat_service.brought_items import BroughtItems
from chat_service.calibrating import Calibrating
from chat_service.clients.files import Files
from chat_service.clients.memory import Memory
from chat_service.clients.model import Model
from chat_service.code_files import CodeShelf
from chat_service.completions import CompletionLimits, Completions
from chat_service.contexts import Contexts
from chat_service.conversations import ConversationBook
from chat_service.deletions import Deletions
from chat_service.embeddings import Embeddings
from chat_service.endings import Endings
from chat_service.event_log import EventLog
from chat_service.generation import Generations
from chat_service.history import Histories
from chat_service.holdings import ChatHoldings
from chat_service.key_vault import KeyVault
from chat_service.ledger import Ledger
from chat_service.memory_events import MemoryEvents
from chat_service.model_files import read_models
from chat_service.models import Catalogue, Offer
from chat_service.preferences import PreferenceBook
from chat_service.provider_keys import ProviderKeys
from chat_service.receipts import Receipts
from chat_service.recovery import recover
from chat_service.repeats import Repeats
from chat_service.responses import Archive
from chat_service.routes import code_files, completions, conversations, embeddings, models, provider_key, responses
from chat_service.routes import contexts as context_routes
from chat_service.routes import settings as settings_routes
from chat_service.running_calls import RunningCalls
from chat_service.settings import Settings
from chat_service.stored_completions import StoredCompletions
from chat_service.stores.calibrations import Calibrations
from chat_service.titling import Titling
from chat_service.turns import Turns
from chat_service.unkept_answers import UnkeptAnswers
from chat_service.upkeep import KeepingTimes, Upkeep

ROUTERS = (
    responses.router,
    context_routes.router,
    conversations.router,
    code_files.router,
    completions.router,
    embeddings.router,
    models.router,
    settings_routes.router,
    provider_key.router,
    owners_router(),
)


def create_app(settings: Settings) -> FastAPI:
    """chat-service; nothing but the file of models is opened before the lifespan starts."""
    offer = read_models(settings.models_file)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrations = [package_migrations("chat_service"), OUTBOX, OWNERS]
        with Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes) as database:
            async with _running(app, settings, offer, database):
                yield

    return chassis.app.create_app("chat", settings, routers=ROUTERS, lifespan=lifespan)


@asynccontextmanager
async def _running(app: FastAPI, settings: Settings, offer: Offer, database: Database) -> AsyncIterator[None]:
    """Started from the ground up, stopped in reverse: running responses end before what they need does."""
    clock, runner = system_clock, new_id("boot")
    async with neighbour_client() as http, Model(settings) as model:
        identity = _identity(settings, http)
        memory = Neighbour("memory", settings.memory_url, http, identity)
        files = Neighbour("files", settings.files_url, http, identity)
        analytics = Neighbour("analytics", settings.analytics_url, http, identity)
        outbox = Outbox(database, {"memory": memory, "analytics": analytics})
        allowances = Allowances(database, UserLimits.from_settings(settings))
        ledger = Ledger(database, outbox, allowances.charge)
        memory_events = MemoryEvents(outbox)
        catalogue = Catalogue(offer, model.models)
        attachments = Attachments(
            Files(files), settings.turn_max_files, settings.turn_max_images, settings.file_wait_seconds
        )
        histories = Histories(
            database, Memory(memory, settings.memory_seconds), settings.memory_tokens, settings.history_tokens
        )
        ratios = TokenRatios(await database.read(lambda tx: Calibrations(tx).all()))
        contexts = Contexts(
            database, catalogue, attachments, histories, settings.file_tokens, settings.max_output_tokens, ratios, clock
        )
        limits = CompletionLimits.from_settings(settings)
        provider_keys = ProviderKeys(database, model, KeyVault(settings.provider_key_secrets), clock)
        await provider_keys.renew()
        titling = Titling(database, model, catalogue, ledger, provider_keys.of, clock)
        titles = titling if settings.titles == "model" else None
        endings = Endings(ledger, memory_events, Calibrating(catalogue, ratios), clock, titles)
        await recover(database, endings, runner)
        async with (
            outbox,
            Upkeep(database, KeepingTimes.from_settings(settings), clock),
            EventLog(database, settings.stream_keep_alive_seconds) as event_log,
            RunningCalls(allowances.call, ledger.record, UnkeptAnswers(settings.idempotency_seconds)) as calls,
            titling,
        ):
            briefings = Briefings(catalogue, contexts, provider_keys, settings.max_output_tokens)
            code_shelf = CodeShelf(database, clock)
            answering = Answering(model, briefings, code_shelf, event_log, clock)
            generations = Generations(database, answering, endings, event_log)
            repeats = Repeats(event_log.has_readers, clock)
            admission = Admission(
                catalogue, attachments, allowances, repeats, runner, settings.input_max_characters, clock
            )
            turns = Turns(database, admission, repeats, generations, event_log, allowances)
            brought_items = BroughtItems(attachments, memory_events, settings.input_max_characters, clock)
            holdings = ChatHoldings(database, generations, calls, titling, provider_keys)
            _hand_out(
                app,
                identity=identity,
                settings=settings,
                catalogue=catalogue,
                turns=turns,
                archive=Archive(database, event_log),
                receipts=Receipts(database, admission, contexts, clock),
                deletions=Deletions(database, turns, memory_events, clock),
                code_shelf=code_shelf,
                conversations=ConversationBook(database, generations, catalogue, brought_items, memory_events, clock),
                branches=Branches(database),
                completions=Completions(model, catalogue, calls, limits, provider_keys.of),
                stored_completions=StoredCompletions(turns),
                embeddings=Embeddings(model, catalogue, calls, settings.completion_max_characters, provider_keys.of),
                preferences=PreferenceBook(database, catalogue, clock),
                provider_keys=provider_keys,
                estates=Estates(database, holdings, clock),
                leaving=partial(generations.close, settings.shutdown_seconds),
            )
            await model.warm_up()
            app.state.ready = database.ready
            yield
            await app.state.leaving()


def _hand_out(app: FastAPI, **parts: Any) -> None:
    """Puts them where `dependencies` finds them."""
    for name, part in parts.items():
        setattr(app.state, name, part)


def _identity(settings: Settings, http: httpx.AsyncClient) -> Identity:
    secrets = {
        "auth": settings.secret_auth_chat,
        "memory": settings.secret_chat_memory,
        "files": settings.secret_chat_files,
        "analytics": settings.secret_chat_analytics,
    }
    return Identity("chat", RemoteKeys(settings.auth_url, http), secrets)
