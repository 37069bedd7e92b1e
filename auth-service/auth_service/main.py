"""The composition root of auth: the only place where things are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from fastapi import FastAPI

import chassis.app
from auth_service.access_tokens import AccessTokens
from auth_service.accounts import Accounts
from auth_service.admission import Admission
from auth_service.passwords import Passwords
from auth_service.routes import accounts, gateway, keys, sessions
from auth_service.settings import Settings
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.vault import Vault
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.identity import Identity
from chassis.migrations import package_migrations


def create_app(settings: Settings, clock: Clock = system_clock) -> FastAPI:
    """The auth service; it touches nothing before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrations = [package_migrations("auth_service")]
        with (
            Database(settings.service_data, migrations, reserve_bytes=settings.storage_reserve_bytes) as database,
            _passwords(settings) as passwords,
        ):
            signing_keys = SigningKeys(settings.secrets)
            sign_ins = SignIns(
                database,
                AccessTokens(signing_keys, settings.access_token_seconds, clock),
                Vault(settings.secrets),
                session_seconds=settings.session_seconds,
                grace_seconds=settings.refresh_grace_seconds,
                clock=clock,
            )
            app.state.signing_keys = signing_keys
            app.state.sign_ins = sign_ins
            app.state.accounts = Accounts(database, passwords, sign_ins, clock)
            app.state.identity = Identity("auth", signing_keys, {})
            app.state.admission = Admission(app.state.identity, sign_ins, clock)
            app.state.ready = database.ready
            yield

    routers = [accounts.router, sessions.router, keys.router, gateway.router]
    return chassis.app.create_app("auth", settings, routers=routers, lifespan=lifespan)


def _passwords(settings: Settings) -> Passwords:
    hasher = PasswordHasher(
        time_cost=settings.argon2_iterations,
        memory_cost=settings.argon2_memory_kib,
        parallelism=settings.argon2_lanes,
    )
    return Passwords(
        hasher,
        minimum_length=settings.password_min_length,
        at_once=settings.argon2_at_once,
        waiting=settings.argon2_waiting,
    )
