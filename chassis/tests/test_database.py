"""One writer, group commits, and what happens to a write that fails."""

import asyncio
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from chassis.database import Database, DatabaseRefused, Transaction
from chassis.migrations import INBOX, OUTBOX, MigrationRefused, Migrations
from chassis.problems import StorageFull

FIRST = "create table word (text text primary key, next text references word (text) deferrable initially deferred);"


@pytest.fixture
def migrations(tmp_path: Path) -> Migrations:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_words.sql").write_text(FIRST)
    return Migrations("words", folder)


def add(text: str):
    return lambda tx: tx.run("insert into word (text) values (?)", text)


def words(tx: Transaction) -> list[str]:
    return [row["text"] for row in tx.all("select text from word order by text")]


async def test_a_write_is_there_after_reopening(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("kept"))
    with Database(tmp_path / "db", [migrations]) as database:
        assert await database.read(words) == ["kept"]


async def test_a_write_that_raises_takes_back_only_its_own_changes(tmp_path: Path, migrations: Migrations) -> None:
    def fail(tx: Transaction) -> None:
        tx.run("insert into word (text) values ('half')")
        raise ValueError("no")

    with Database(tmp_path / "db", [migrations]) as database:
        outcomes = await asyncio.gather(
            *(database.write(add(f"w{number}")) for number in range(5)),
            database.write(fail),
            *(database.write(add(f"x{number}")) for number in range(5)),
            return_exceptions=True,
        )

        assert [type(outcome) for outcome in outcomes].count(ValueError) == 1
        assert "half" not in await database.read(words)
        assert len(await database.read(words)) == 10


async def test_a_statement_is_run_for_each_of_many_rows(tmp_path: Path, migrations: Migrations) -> None:
    insert = "insert into word (text) select ? where ?"
    with Database(tmp_path / "db", [migrations]) as database:
        changed = [
            await database.write(lambda tx: tx.run_each(insert, [("a", True), ("b", True)])),
            await database.write(lambda tx: tx.run_each(insert, [("c", True), ("none", False)])),
        ]

        assert changed == [1, 0]
        assert await database.read(words) == ["a", "b", "c"]


async def test_when_the_commit_fails_every_waiting_write_is_told(tmp_path: Path, migrations: Migrations) -> None:
    # A deferred foreign key is only checked by the commit, so this write spoils it for those that share it.
    def spoil(tx: Transaction) -> None:
        tx.run("insert into word (text, next) values ('spoiler', 'nowhere')")

    with Database(tmp_path / "db", [migrations]) as database:
        outcomes = await asyncio.gather(
            *(database.write(work) for work in (add("a"), spoil, add("b"))), return_exceptions=True
        )
        stored = await database.read(words)

        assert "spoiler" not in stored
        for text, outcome in (("a", outcomes[0]), ("b", outcomes[2])):
            assert (text in stored) == (outcome == 1)
        await database.write(add("after"))
        assert "after" in await database.read(words)


async def test_readers_cannot_change_anything(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        with pytest.raises(apsw.ReadOnlyError):
            await database.read(add("sneaky"))


async def test_callbacks_run_after_the_commit_and_not_after_a_failure(tmp_path: Path, migrations: Migrations) -> None:
    ran: list[str] = []

    def work(text: str, fails: bool):
        def write(tx: Transaction) -> None:
            tx.after_commit(lambda: ran.append(text))
            tx.run("insert into word (text) values (?)", text)
            if fails:
                raise ValueError("no")

        return write

    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(work("good", False))
        with pytest.raises(ValueError, match="no"):
            await database.write(work("bad", True))

    assert ran == ["good"]


async def test_a_nearly_full_disk_refuses_writes_and_lets_deletions_through(
    tmp_path: Path, migrations: Migrations
) -> None:
    with Database(tmp_path / "db", [migrations], reserve_bytes=2**60) as database:
        with pytest.raises(StorageFull):
            await database.write(add("too much"))
        await database.write(lambda tx: tx.run("delete from word"), frees_space=True)

        assert await database.read(words) == []


async def test_a_disk_that_is_full_in_the_middle_of_a_write_is_told_to_all_that_shared_it(
    tmp_path: Path, migrations: Migrations
) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("kept"))
        pages = await database.read(lambda tx: tx.value("pragma page_count"))
        await database.write(lambda tx: tx.value(f"pragma max_page_count = {pages}"))
        outcomes = await asyncio.gather(
            *(database.write(add(text)) for text in ("a", "x" * 100_000, "b")), return_exceptions=True
        )
        stored = await database.read(words)
        await database.write(lambda tx: tx.value("pragma max_page_count = 1000"))
        await database.write(add("x" * 100_000))

    assert StorageFull in {type(outcome) for outcome in outcomes}
    assert {type(outcome) for outcome in outcomes} <= {StorageFull, int}
    for text, outcome in (("a", outcomes[0]), ("b", outcomes[2])):
        assert (text in stored) == (outcome == 1)


async def test_a_savepoint_that_fails_takes_its_callbacks_back_too(tmp_path: Path, migrations: Migrations) -> None:
    ran: list[str] = []

    def write(tx: Transaction) -> None:
        tx.after_commit(lambda: ran.append("before"))
        with suppress(ValueError), tx.savepoint():
            tx.run("insert into word (text) values ('half')")
            tx.after_commit(lambda: ran.append("inside"))
            raise ValueError("no")

    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(write)
        stored = await database.read(words)

    assert (ran, stored) == (["before"], [])


async def test_what_is_written_is_durable_and_what_is_deleted_is_overwritten(
    tmp_path: Path, migrations: Migrations
) -> None:
    def promises(tx: Transaction) -> list[object]:
        return [tx.value(f"pragma {name}") for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")]

    with Database(tmp_path / "db", [migrations]) as database:
        assert await database.write(promises) == ["wal", 2, 1, 1]


async def test_nobody_else_can_read_the_files(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        await database.write(add("private"))
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "db").iterdir()}
        folder = stat.S_IMODE((tmp_path / "db").stat().st_mode)

    assert folder == 0o700
    assert {name for name, mode in modes.items() if mode & 0o077 and name != "lock"} == set()


def test_migrations_run_once_in_order_and_refuse_a_newer_file(tmp_path: Path, migrations: Migrations) -> None:
    folder = tmp_path / "migrations"
    (folder / "0002_more.sql").write_text("alter table word add column more integer; create index i on word (more);")
    for _ in range(2):
        with Database(tmp_path / "db", [migrations, OUTBOX, INBOX]):
            pass
    (folder / "0002_more.sql").unlink()

    with pytest.raises(MigrationRefused, match="newer than this version"), Database(tmp_path / "db", [migrations]):
        pass


def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path, migrations: Migrations) -> None:
    (tmp_path / "migrations" / "0002_bad.sql").write_text("create table half (a); insert into nowhere values (1);")
    with pytest.raises(apsw.SQLError), Database(tmp_path / "db", [migrations]):
        pass
    (tmp_path / "migrations" / "0002_bad.sql").write_text("create table half (a);")

    with Database(tmp_path / "db", [migrations]):
        pass


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path, migrations: Migrations) -> None:
    (tmp_path / "migrations" / "0003_gap.sql").write_text("select 1;")

    with pytest.raises(MigrationRefused, match="without a gap"), Database(tmp_path / "db", [migrations]):
        pass


def test_a_folder_in_use_is_refused(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]):
        with pytest.raises(DatabaseRefused, match="another process"), Database(tmp_path / "db", [migrations]):
            pass


WRITER = """
import asyncio, sys
from pathlib import Path
from chassis.database import Database
from chassis.migrations import Migrations

async def main():
    with Database(Path(sys.argv[1]), [Migrations("words", Path(sys.argv[2]))]) as database:
        async def write(number):
            await database.write(lambda tx: tx.run("insert into word (text) values (?)", str(number)))
            sys.stdout.write(f"{number}\\n"); sys.stdout.flush()
        number = 0
        while True:
            await asyncio.gather(*(write(number + offset) for offset in range(20)))
            number += 20

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, migrations: Migrations) -> None:
    arguments = [sys.executable, "-c", WRITER, str(tmp_path / "db"), str(tmp_path / "migrations")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline().strip() for _ in range(500)]
        process.kill()
        acknowledged += process.stdout.read().split("\n")[:-1]

    with Database(tmp_path / "db", [migrations]) as database:
        stored = set(await database.read(words))

    assert {line for line in acknowledged if line.isdecimal()} - stored == set()


async def test_a_patient_write_shares_the_commit_of_one_in_a_hurry(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        patient = asyncio.ensure_future(database.write(add("patient"), patience=60.0))
        await asyncio.sleep(0.05)
        waited = not patient.done()
        await database.write(add("hurried"))

        assert waited
        async with asyncio.timeout(5):
            await patient


async def test_a_patient_write_is_made_when_its_time_is_up(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        async with asyncio.timeout(5):
            await database.write(add("patient"), patience=0.02)


async def test_a_patient_write_is_made_before_the_database_closes(tmp_path: Path, migrations: Migrations) -> None:
    with Database(tmp_path / "db", [migrations]) as database:
        patient = asyncio.ensure_future(database.write(add("patient"), patience=60.0))
        await asyncio.sleep(0)

    await patient
