"""The composition root of auth: the only place where things are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI
from pydantic import SecretStr

import chassis.app
from auth_service.access_tokens import AccessTokens
from auth_service.accounts import Accounts
from auth_service.admission import Admission
from auth_service.api_keys import KeyRings
from auth_service.arrivals import Arrivals
from auth_service.clients.estates import RemoteEstate
from auth_service.clients.google import GoogleCertificates
from auth_service.clients.mail import MailFolder, Outbound, SmtpServer
from auth_service.confirmations import Confirmations
from auth_service.cookies import RefreshCookie
from auth_service.credentials import Credentials
from auth_service.deletions import Deletions
from auth_service.google import Google
from auth_service.id_tokens import IdTokens
from auth_service.key_exchange import KeyExchange
from auth_service.last_uses import LastUses
from auth_service.log_ins import LogIns
from auth_service.mail import Postman
from auth_service.merges import Merges
from auth_service.operator_door import OperatorDoor
from auth_service.operators import Operators
from auth_service.own_estate import OwnEstate
from auth_service.password_resets import PasswordResets
from auth_service.passwords import Passwords
from auth_service.routes import (
    accounts,
    api_keys,
    credentials,
    deletions,
    gateway,
    google,
    operators,
    sessions,
    signing_keys,
)
from auth_service.sagas import Estate, SagaRunner
from auth_service.settings import Settings
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.throttles import Throttles
from auth_service.upkeep import Upkeep
from auth_service.vault import Vault
from auth_service.verifications import Verifications
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.identity import Identity
from chassis.migrations import package_migrations
from chassis.neighbours import Neighbour, neighbour_client
from chassis.transport import Client

# The gateway's question comes first: it is put far more often than all others.
ROUTERS = (
    gateway.router,
    accounts.router,
    credentials.router,
    sessions.router,
    api_keys.router,
    deletions.router,
    google.router,
    operators.router,
    signing_keys.router,
)


def create_app(settings: Settings, clock: Clock = system_clock, outbound: Outbound | None = None) -> FastAPI:
    """The auth service; it touches nothing before its lifespan starts. Mail leaves by `outbound` if it is given."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            ground = await _ground(settings, clock, outbound or _outbound(settings), stack)
            bearers = await _bearers(ground, stack)
            passages = await _passages(ground, bearers, stack)
            _offer(app, ground, bearers, passages)
            yield

    return chassis.app.create_app("auth", settings, routers=ROUTERS, lifespan=lifespan, quiet=(gateway.PATH,))


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything stands on."""

    settings: Settings
    clock: Clock
    database: Database
    passwords: Passwords
    http: Client
    throttles: Throttles
    signing_keys: SigningKeys
    identity: Identity
    outbound: Outbound


@dataclass(frozen=True, slots=True)
class _Bearers:
    """What is checked with every request: sessions and API keys."""

    sign_ins: SignIns
    key_rings: KeyRings
    admission: Admission


@dataclass(frozen=True, slots=True)
class _Passages:
    """How somebody comes in, shows that it is them, and goes for good."""

    postman: Postman
    arrivals: Arrivals
    confirmations: Confirmations
    deletions: Deletions


async def _ground(settings: Settings, clock: Clock, outbound: Outbound, stack: AsyncExitStack) -> _Ground:
    migrations = [package_migrations("auth_service")]
    database = stack.enter_context(
        Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes)
    )
    passwords = stack.enter_context(Passwords.from_settings(settings))
    http = await stack.enter_async_context(neighbour_client())
    throttles = Throttles.from_settings(settings, clock)
    signing_keys = SigningKeys(settings.secrets)
    door = OperatorDoor.open(settings.service_data, settings.service_port)
    identity = Identity("auth", signing_keys, _secrets(settings) | {"operator": SecretStr(door.secret)}, clock)
    return _Ground(settings, clock, database, passwords, http, throttles, signing_keys, identity, outbound)


async def _bearers(ground: _Ground, stack: AsyncExitStack) -> _Bearers:
    settings, clock, database = ground.settings, ground.clock, ground.database
    access_tokens = AccessTokens(ground.signing_keys, settings.access_token_seconds, clock)
    sign_ins = SignIns(
        database,
        access_tokens,
        Vault(settings.secrets),
        session_seconds=settings.session_seconds,
        grace_seconds=settings.refresh_grace_seconds,
        clock=clock,
    )
    exchange = KeyExchange(database, access_tokens, clock, token_seconds=settings.api_key_token_seconds)
    key_rings = KeyRings(database, exchange, clock, most=settings.api_keys_per_user)
    uses = await stack.enter_async_context(LastUses(database, clock))
    return _Bearers(sign_ins, key_rings, Admission(ground.identity, access_tokens, sign_ins, exchange, uses, clock))


async def _passages(ground: _Ground, bearers: _Bearers, stack: AsyncExitStack) -> _Passages:
    settings, clock, database = ground.settings, ground.clock, ground.database
    sign_ins, key_rings = bearers.sign_ins, bearers.key_rings
    sagas = await stack.enter_async_context(
        SagaRunner(database, _estates(ground), clock, wait_seconds=settings.saga_wait_seconds)
    )
    postman = await stack.enter_async_context(
        Postman(database, settings, ground.outbound, ground.throttles.mails, clock)
    )
    arrivals = Arrivals(database, sign_ins, Merges(ground.identity, sign_ins, sagas, clock), clock)
    confirmations = Confirmations(database, ground.passwords, ground.throttles, clock)
    deletions = Deletions(database, confirmations, sign_ins, key_rings, sagas, clock)
    await stack.enter_async_context(Upkeep(database, deletions, clock))
    return _Passages(postman, arrivals, confirmations, deletions)


def _offer(app: FastAPI, ground: _Ground, bearers: _Bearers, passages: _Passages) -> None:
    """What routes may ask for."""
    settings, clock, database, passwords = ground.settings, ground.clock, ground.database, ground.passwords
    sign_ins, key_rings, throttles = bearers.sign_ins, bearers.key_rings, ground.throttles
    postman, arrivals, confirmations = passages.postman, passages.arrivals, passages.confirmations
    verifications = Verifications(database, arrivals, postman, clock)
    certificates = GoogleCertificates(settings.google_certs_url, ground.http, clock)
    id_tokens = IdTokens(certificates, settings.google_client_ids, clock)

    app.state.identity = ground.identity
    app.state.signing_keys = ground.signing_keys
    app.state.admission = bearers.admission
    app.state.sign_ins = sign_ins
    app.state.key_rings = key_rings
    app.state.refresh_cookie = partial(
        RefreshCookie, same_site=settings.refresh_cookie_same_site, seconds=settings.session_seconds
    )
    app.state.accounts = Accounts(database, settings, passwords, arrivals, postman, throttles, clock)
    app.state.verifications = verifications
    app.state.log_ins = LogIns(database, settings, passwords, arrivals, verifications, throttles, clock)
    app.state.google = Google(database, settings, id_tokens, arrivals, confirmations, throttles, clock)
    app.state.credentials = Credentials(database, settings, passwords, confirmations, sign_ins, postman, clock)
    app.state.password_resets = PasswordResets(database, passwords, sign_ins, key_rings, postman, clock)
    app.state.deletions = passages.deletions
    app.state.operators = Operators(database, passwords, sign_ins, key_rings, passages.deletions, clock)
    app.state.ready = database.ready


def _outbound(settings: Settings) -> Outbound:
    """The operator's mail server, or the folder that stands for one."""
    if not settings.smtp_host:
        return MailFolder(settings.service_data / "mail")
    return SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        sender=settings.mail_sender.addr_spec,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else "",
    )


def _estates(ground: _Ground) -> dict[str, Estate]:
    """Every service that holds rows of owners."""
    urls = {
        "chat": ground.settings.chat_url,
        "memory": ground.settings.memory_url,
        "files": ground.settings.files_url,
        "analytics": ground.settings.analytics_url,
    }
    remote = {name: RemoteEstate(Neighbour(name, url, ground.http, ground.identity)) for name, url in urls.items()}
    return {**remote, "auth": OwnEstate(ground.database)}


def _secrets(settings: Settings) -> dict[str, SecretStr]:
    return {
        "chat": settings.secret_auth_chat,
        "memory": settings.secret_auth_memory,
        "files": settings.secret_auth_files,
        "analytics": settings.secret_auth_analytics,
    }
