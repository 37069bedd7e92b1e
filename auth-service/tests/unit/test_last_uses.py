"""When something was last used: written down now and then, and never at the cost of what it is about."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth_service.last_uses import LastUses
from chassis.database import Database
from chassis.migrations import package_migrations

from ..conftest import Clock

ROWS = """
    insert into users (id, role, created_at) values ('user_1', 'user', 100);
    insert into sessions (id, user_id, family_key, counter, rotated_at, created_at, last_used_at, expires_at)
    values ('sess_1', 'user_1', x'00', 1, 100, 100, 100, 9e9), ('sess_2', 'user_1', x'00', 1, 100, 100, 9e9, 9e9);
    insert into api_keys (id, user_id, name, scopes, hash, last_four, created_at)
    values ('key_1', 'user_1', 'a script', 'chat:read', x'00', 'wxyz', 100);
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("auth_service")]) as opened:
        yield opened


async def test_what_was_used_is_written_down_by_and_by(database: Database, clock: Clock) -> None:
    await database.write(lambda tx: tx.run(ROWS))
    clock.ahead = 500

    async with LastUses(database, clock, every_seconds=0.01) as uses:
        for credential_id in ("sess_1", "key_1", "sess_that_is_gone"):
            uses.note(credential_id)
        for _ in range(500):
            if await _last_used(database) == [True, True]:
                break
            await asyncio.sleep(0.01)

        assert await _last_used(database) == [True, True]


async def test_the_end_of_the_process_loses_none(database: Database, clock: Clock) -> None:
    await database.write(lambda tx: tx.run(ROWS))

    async with LastUses(database, clock) as uses:
        uses.note("sess_1")
        uses.note("key_1")

    assert await _last_used(database) == [True, True]


async def test_a_later_use_that_is_known_already_stays(database: Database, clock: Clock) -> None:
    await database.write(lambda tx: tx.run(ROWS))

    async with LastUses(database, clock) as uses:
        uses.note("sess_2")

    assert await database.read(lambda tx: tx.value("select last_used_at from sessions where id = 'sess_2'")) == 9e9


async def test_a_full_disk_stops_nothing(tmp_path: Path, clock: Clock) -> None:
    with Database(tmp_path, [package_migrations("auth_service")], reserve_bytes=2**62) as database:
        await database.write(lambda tx: tx.run(ROWS), frees_space=True)

        async with LastUses(database, clock) as uses:
            uses.note("key_1")

        assert await _last_used(database) == [False, False]


async def _last_used(database: Database) -> list[Any]:
    """Of `sess_1` and `key_1`, whether a use was written down."""
    session = "select last_used_at > 100 from sessions where id = 'sess_1'"
    key = "select last_used_at is not null from api_keys where id = 'key_1'"
    return [bool(await database.read(lambda tx, query=query: tx.value(query))) for query in (session, key)]
