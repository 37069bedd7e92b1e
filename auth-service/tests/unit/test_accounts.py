"""A login during which the account changes: what was true when its password was read is not enough."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher

from auth_service.access_tokens import AccessTokens
from auth_service.arrivals import Arrivals
from auth_service.clients.mail import MailFolder
from auth_service.devices import Device
from auth_service.log_ins import LogIns
from auth_service.mail import Postman
from auth_service.merges import Merges
from auth_service.passwords import Passwords
from auth_service.problems import InvalidCredentials
from auth_service.sagas import SagaRunner
from auth_service.schemas.sign_ins import LogIn, Tokens
from auth_service.settings import Settings
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.stores.users import User, Users
from auth_service.throttles import Throttles
from auth_service.vault import Vault
from auth_service.verifications import Verifications
from chassis.database import Database
from chassis.identity import Identity
from chassis.migrations import package_migrations

from ..conftest import PASSWORD, Clock

SECRETS = ["a secret of the present " * 2]
EMAIL = "ada@example.org"
DEVICE = Device("tests", "192.0.2.1")


class SlowHasher(PasswordHasher):
    """A real hasher whose comparisons wait for the test."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.comparing = threading.Event()
        self.go_on = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.comparing.set()
        assert self.go_on.wait(5)
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> SlowHasher:
    return SlowHasher()


@pytest.fixture
async def login(
    tmp_path: Path, hasher: SlowHasher, clock: Clock
) -> AsyncIterator[tuple[Database, asyncio.Task[Tokens]]]:
    """A login that is just comparing its right password."""
    with (
        Database(tmp_path, [package_migrations("auth_service")]) as database,
        Passwords(hasher, minimum_length=8, at_once=1, waiting=0) as passwords,
    ):
        user = User("user_1", "user", EMAIL, "Ada", hasher.hash(PASSWORD), int(clock()))
        await database.write(lambda tx: Users(tx).add(user))
        log_ins = _log_ins(database, passwords, Settings(service_data=tmp_path), clock)
        task = asyncio.create_task(log_ins.log_in(LogIn(email=EMAIL, password=PASSWORD), DEVICE))
        await asyncio.to_thread(hasher.comparing.wait, 5)
        yield database, task


async def test_a_login_succeeds_when_nothing_changes(
    login: tuple[Database, asyncio.Task[Tokens]], hasher: SlowHasher
) -> None:
    database, task = login

    hasher.go_on.set()
    await task

    assert await _sessions(database) == 1


@pytest.mark.parametrize("change", ["update users set password_hash = 'another'", "delete from users"])
async def test_a_login_fails_when_the_password_is_changed_or_the_account_deleted_meanwhile(
    login: tuple[Database, asyncio.Task[Tokens]], hasher: SlowHasher, change: str
) -> None:
    database, task = login
    await database.write(lambda tx: tx.run(change))

    hasher.go_on.set()

    with pytest.raises(InvalidCredentials):
        await task
    assert await _sessions(database) == 0


def _log_ins(database: Database, passwords: Passwords, settings: Settings, clock: Clock) -> LogIns:
    keys = SigningKeys(SECRETS)
    sign_ins = SignIns(
        database, AccessTokens(keys, 600, clock), Vault(SECRETS), session_seconds=1000, grace_seconds=10, clock=clock
    )
    merges = Merges(Identity("auth", keys, {}, clock), sign_ins, SagaRunner(database, {}, clock, wait_seconds=0), clock)
    arrivals = Arrivals(database, sign_ins, merges, clock)
    throttles = Throttles.from_settings(settings, clock)
    postman = Postman(database, settings, MailFolder(settings.service_data / "mail"), throttles.mails, clock)
    verifications = Verifications(database, arrivals, postman, clock)
    return LogIns(database, settings, passwords, arrivals, verifications, throttles, clock)


async def _sessions(database: Database) -> int:
    return int(await database.read(lambda tx: tx.value("select count(*) from sessions")))
