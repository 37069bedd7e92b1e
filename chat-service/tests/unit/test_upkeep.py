"""Dropping what has expired, on a storage that does not always take it."""

import asyncio
import time
from pathlib import Path

from chassis.database import Database, Transaction
from chassis.migrations import package_migrations
from chat_service.stores.idempotency_keys import BoundKey, IdempotencyKeys
from chat_service.stores.responses import Responses
from chat_service.upkeep import KeepingTimes, Upkeep

from .test_answer import TURN

OFTEN = KeepingTimes(events=1.0, keys=1.0, pause=0.01)


async def test_one_failure_does_not_end_it(tmp_path: Path) -> None:
    def begin(tx: Transaction) -> None:
        tx.run(
            "insert into conversations (id, owner, metadata, created_at, updated_at)"
            " values ('conv_1', 'user_1', '{}', 1, 1)"
        )
        Responses(tx).add(TURN)
        IdempotencyKeys(tx).add("user_1", "key", BoundKey("hash", TURN.id, is_kept=True), 1.0)
        tx.run("create trigger stuck before delete on idempotency_keys begin select raise(abort, 'no'); end")

    with Database(tmp_path, [package_migrations("chat_service")]) as database:
        await database.write(begin)
        async with Upkeep(database, OFTEN, time.time):
            await asyncio.sleep(0.03)
            await database.write(lambda tx: tx.run("drop trigger stuck"))
            async with asyncio.timeout(5):
                while await database.read(lambda tx: IdempotencyKeys(tx).find("user_1", "key")):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
