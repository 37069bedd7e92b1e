"""A login during which the account changes: what was true when its password was read is not enough."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher

from auth_service.access_tokens import AccessTokens
from auth_service.accounts import Accounts
from auth_service.passwords import Passwords
from auth_service.problems import InvalidCredentials
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.vault import Vault
from chassis.database import Database
from chassis.migrations import package_migrations

from ..conftest import PASSWORD, Clock

SECRETS = ["a secret of the present " * 2]
EMAIL = "ada@example.org"


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
async def login(tmp_path: Path, hasher: SlowHasher, clock: Clock) -> AsyncIterator[tuple[Database, asyncio.Task[None]]]:
    """A login that is just comparing its right password."""
    with (
        Database(tmp_path, [package_migrations("auth_service")]) as database,
        Passwords(hasher, minimum_length=8, at_once=1, waiting=0) as passwords,
    ):
        access_tokens = AccessTokens(SigningKeys(SECRETS), 600, clock)
        vault = Vault(SECRETS)
        sign_ins = SignIns(database, access_tokens, vault, session_seconds=1000, grace_seconds=10, clock=clock)
        accounts = Accounts(database, passwords, sign_ins, clock)
        await accounts.sign_up(EMAIL, PASSWORD, "Ada", None)
        task = asyncio.create_task(_log_in(accounts))
        await asyncio.to_thread(hasher.comparing.wait, 5)
        yield database, task


async def test_a_login_succeeds_when_nothing_changes(
    login: tuple[Database, asyncio.Task[None]], hasher: SlowHasher
) -> None:
    database, task = login

    hasher.go_on.set()
    await task

    assert await _sessions(database) == 2


@pytest.mark.parametrize("change", ["update users set password_hash = 'another'", "delete from users"])
async def test_a_login_fails_when_the_password_is_changed_or_the_account_deleted_meanwhile(
    login: tuple[Database, asyncio.Task[None]], hasher: SlowHasher, change: str
) -> None:
    database, task = login
    await database.write(lambda tx: tx.run(change))
    before = await _sessions(database)

    hasher.go_on.set()

    with pytest.raises(InvalidCredentials):
        await task
    assert await _sessions(database) == before


async def _log_in(accounts: Accounts) -> None:
    await accounts.log_in(EMAIL, PASSWORD, None)


async def _sessions(database: Database) -> int:
    return int(await database.read(lambda tx: tx.value("select count(*) from sessions")))
