"""What was deleted is on no page of any file any more."""

import asyncio
import random
import threading
import time
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.migrations import Migrations
from chassis.problems import StorageUnavailable

from .test_database import add, migrations, words

__all__ = ["migrations"]


async def test_no_copy_is_left_in_pages_that_were_split_when_other_rows_came(tmp_path: Path) -> None:
    rows = "create table line (owner text, number integer, text text, primary key (owner, number)) without rowid;"
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_lines.sql").write_text(rows)
    chance = random.Random(3)

    def interleave(tx: Transaction) -> None:
        for _ in range(400):
            owner = chance.choice("ab")
            text = ("canary" if owner == "a" else "others") * chance.choice([1, 5, 50, 300])
            place = chance.randrange(10**9)
            tx.run("insert into line values (?, ?, ?)", f"{place % 97}{owner}", place, text)

    def copies() -> int:
        return sum(file.read_bytes().count(b"canary") for file in (tmp_path / "db").iterdir())

    with Database(tmp_path / "db", [Migrations("lines", tmp_path / "migrations")]) as database:
        for _ in range(20):
            await database.write(interleave)
        await database.write(lambda tx: tx.run("delete from line where owner like '%a'"))
        before = copies()

        await database.scrub()

        assert before > 0
        assert copies() == 0
        assert await database.read(lambda tx: tx.value("pragma integrity_check")) == "ok"
        assert await database.read(lambda tx: tx.value("select count(*) from line where text like 'others%'")) > 0


async def test_what_is_deleted_while_one_scrub_runs_is_waited_for_by_the_next(
    tmp_path: Path, migrations: Migrations
) -> None:
    def holds(text: bytes) -> bool:
        return any(text in file.read_bytes() for file in (tmp_path / "db").iterdir())

    async def add_and_erase(database: Database, text: str) -> bool:
        await database.write(add(text))
        await database.write(lambda tx: tx.run("delete from word where text = ?", text))
        await database.scrub()
        return holds(text.encode())

    with Database(tmp_path / "db", [migrations]) as database:
        left = await asyncio.gather(*(add_and_erase(database, f"canary number {number:03}") for number in range(40)))

        assert not any(left)


async def test_a_scrub_needs_no_lock_that_a_write_could_miss(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        scrub = asyncio.create_task(database.scrub())
        for number in range(200):
            await asyncio.wait_for(database.write(add(f"word {number}")), 2)
        await scrub

        assert len(await database.read(words)) == 200


async def test_closing_while_a_scrub_is_waited_for_hangs_nobody(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("kept"))
        scrub = asyncio.create_task(database.scrub())
        await asyncio.sleep(0)
    scrub.cancel()

    with Database(tmp_path / "db", [migrations]) as database:
        assert await database.read(words) == ["kept"]


async def test_nothing_deleted_is_left_in_any_file_while_the_database_is_open(
    tmp_path: Path, migrations: Migrations
) -> None:
    def files_with(text: bytes) -> set[str]:
        return {entry.name for entry in (tmp_path / "db").iterdir() if text in entry.read_bytes()}

    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("canary"))
        await database.scrub()
        stored = files_with(b"canary")
        await database.write(lambda tx: tx.run("update word set text = 'linnet' where text = 'canary'"))
        await database.write(lambda tx: tx.run("delete from word"))
        before = (files_with(b"canary"), files_with(b"linnet"))

        await database.scrub()

        assert (stored, before) == ({"data.sqlite3"}, ({"data.sqlite3"}, {"data.sqlite3-wal"}))
        assert (files_with(b"canary"), files_with(b"linnet")) == (set(), set())
        assert (tmp_path / "db/data.sqlite3-wal").stat().st_size == 0


async def test_a_scrub_waits_for_readers_and_lets_writes_through_meanwhile(
    tmp_path: Path, migrations: Migrations
) -> None:
    reading, enough = threading.Event(), threading.Event()

    def read_on(tx: Transaction) -> int:
        count: int = tx.value("select count(*) from word")
        reading.set()
        enough.wait(5)
        return count

    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("old"))
        reader = asyncio.create_task(database.read(read_on))
        await asyncio.to_thread(reading.wait, 5)
        await database.write(add("new"))
        scrub = asyncio.create_task(database.scrub())
        await asyncio.sleep(0.02)
        for text in ("a", "b", "c"):
            await asyncio.wait_for(database.write(add(text)), 2)
        was_waiting = not scrub.done()
        enough.set()
        await scrub

        assert (was_waiting, await reader) == (True, 1)
        assert (tmp_path / "db/data.sqlite3-wal").stat().st_size == 0
        assert await database.read(words) == ["a", "b", "c", "new", "old"]


async def test_a_scrub_that_no_reader_lets_through_says_so_and_the_next_waits_its_time(
    tmp_path: Path, migrations: Migrations
) -> None:
    reading, enough = threading.Event(), threading.Event()

    def read_on(tx: Transaction) -> None:
        tx.value("select count(*) from word")
        reading.set()
        enough.wait(5)

    with Database(tmp_path / "db", [migrations]) as database:
        reader = asyncio.create_task(database.read(read_on))
        await asyncio.to_thread(reading.wait, 5)
        await database.write(add("new"))

        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await database.scrub(waits=(10,))
        failed_at = time.monotonic()
        enough.set()
        await reader
        await database.scrub()

        assert time.monotonic() - failed_at > 10 * (failed_at - began)
