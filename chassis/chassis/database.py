"""SQLite as a service's own store: one writer thread that commits waiting writes together, a few reader threads.

A store method is plain synchronous SQL on a `Transaction`; `Database.write` and `Database.read` run it on the right
thread. A write that has returned is durable (WAL, synchronous=FULL).
"""

import asyncio
import fcntl
import math
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import apsw
import structlog

from chassis.migrations import Migrations, migrate
from chassis.problems import Problem, StorageFull, StorageUnavailable
from chassis.readers import Readers

# Before it, the WAL-reset bug can corrupt a database: https://sqlite.org/wal.html#the_wal_reset_bug
MINIMUM_SQLITE = (3, 51, 3)
WRITES_PER_COMMIT = 256
BUSY_MILLISECONDS = 5000
STATEMENTS_KEPT = 500
"""Of each connection, read once; a service has a few hundred."""
PATIENCE_SECONDS = 0.01
"""How long a write waits that nobody is in a hurry for."""
SCRUB_SHARE = 20
"""Between two scrubs lie so many times the seconds that the last one took, for writes wait while one runs. The longer
it takes, the rarer it is: a file whose scrub takes 10 s has one in half an hour."""
SCRUB_IN_MEMORY_BYTES = 256_000_000
"""A file up to this size is written anew in memory; a larger one beside itself in the folder."""
CHECKPOINT_WAITS = (100, 200, 500, 1000, 2000, 4000)
"""Milliseconds that a checkpoint waits for readers; writes wait meanwhile, and go on between two of them."""
CHECKPOINT_PAUSE_SECONDS = 0.15
"""Longer than SQLite's longest pause between two looks at a lock, so that a write that waits gets its turn."""
SPACE_CHECK_SECONDS = 1.0

Row = dict[str, Any]
T = TypeVar("T")

log = structlog.get_logger()


class DatabaseRefused(Exception):
    """The database cannot be opened safely; the service must not start."""


class Transaction:
    """What a store gets: a connection inside a transaction. Values bind by position or by name."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.committed: list[Callable[[], None]] = []

    def run(self, sql: str, *values: Any, **named: Any) -> int:
        """Runs an insert, update or delete; returns how many rows it changed itself, cascades not counted."""
        self._connection.execute(sql, named or values)
        return self._connection.changes()

    def run_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Runs it for each of the rows, bound by position; returns how many rows the last of them changed."""
        self._connection.executemany(sql, rows)
        return self._connection.changes()

    def all(self, sql: str, *values: Any, **named: Any) -> list[Row]:
        """Every row, as a dict by column name."""
        return list(self._connection.execute(sql, named or values))

    def one(self, sql: str, *values: Any, **named: Any) -> Row | None:
        """The first row, or None."""
        rows = self.all(sql, *values, **named)
        return rows[0] if rows else None

    def value(self, sql: str, *values: Any, **named: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, *values, **named)
        return next(iter(row.values())) if row else None

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs `callback` on the event loop once this write is durable; never if it fails."""
        self.committed.append(callback)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what happens inside if it raises, and keeps the rest of the transaction."""
        waiting = len(self.committed)
        self._connection.execute("savepoint inner_work")
        try:
            yield
        except BaseException:
            if not self._connection.get_autocommit():  # else SQLite has taken back everything, savepoints included
                self._connection.execute("rollback to inner_work; release inner_work")
            del self.committed[waiting:]
            raise
        self._connection.execute("release inner_work")


@dataclass
class _Write:
    work: Callable[[Transaction], Any]
    frees_space: bool
    due: float
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None
    committed: list[Callable[[], None]] = field(default_factory=list)


Order = Callable[[], bool]
"""What the writer does between two commits; False ends it."""


class Database:
    """One SQLite file. Open it with `with Database(...) as database` around the life of the service.

    Raises `DatabaseRefused` when the SQLite library is too old, another process holds the folder, or the file was
    migrated by a newer version of the service.
    """

    def __init__(self, folder: Path, migrations: list[Migrations], *, readers: int = 2, reserve_bytes: int = 0) -> None:
        self._folder = folder
        self._path = folder / "data.sqlite3"
        self._migrations = migrations
        self._reserve_bytes = reserve_bytes
        self._checked_space_at = 0.0
        self._low_on_space = False
        self._queue: queue.SimpleQueue[_Write | Order] = queue.SimpleQueue()
        self._next_scrub: asyncio.Task[None] | None = None
        self._scrub_again_at = 0.0
        self._readers = Readers(readers, lambda: self._connect(self._path, read_only=True))
        self._thread = threading.Thread(target=self._write_until_closed, name="writer", daemon=True)

    def __enter__(self) -> Self:
        if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < MINIMUM_SQLITE:
            raise DatabaseRefused(f"SQLite {apsw.sqlite_lib_version()} is older than {MINIMUM_SQLITE}")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(self._folder)
        try:
            self._writer = self._connect(self._path)
            os.chmod(self._path, 0o600)
            migrate(self._writer, self._migrations)
        except BaseException:
            self._lock.close()
            raise
        self._thread.start()
        self._readers.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(lambda: False)
        self._thread.join()
        self._readers.close()
        self._writer.close()
        self._lock.close()

    async def write(self, work: Callable[[Transaction], T], *, frees_space: bool = False, patience: float = 0.0) -> T:
        """Runs `work` in a transaction and returns what it returned, once that is on disk.

        Writes that wait at the same time share one commit; one that raises takes back only its own changes.
        `patience` is how many seconds it may wait for another to share a commit with: each costs as much as a hundred
        rows. `frees_space=True` lets through, on a nearly full disk, what deletes, ends or keeps somebody out. Raises
        `StorageFull`, `StorageUnavailable`.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Write(work, frees_space, time.monotonic() + patience, loop, answer))
        return await answer

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a reader connection: one snapshot, nothing can be changed."""
        return await self._readers.read(lambda connection: work(Transaction(connection)))

    async def ready(self) -> bool:
        """Whether it answers: what a service's readiness comes down to."""
        return await self.read(lambda tx: tx.value("select 1")) == 1

    async def scrub(self, waits: Sequence[int] = CHECKPOINT_WAITS) -> None:
        """Sees to it that what was deleted before is on no page of any file any more.

        `secure_delete` overwrites what is deleted, but SQLite leaves copies of rows in the unused room of pages that it
        split before. So the file is written anew, and the write-ahead log emptied. Whoever waits meanwhile shares the
        next one, and the file's size (about 10 s a gigabyte) sets how often there is one. Raises `StorageUnavailable`
        when readers never let go of the old state, `StorageFull` without room for a second copy.
        """
        if self._next_scrub is None:
            self._next_scrub = asyncio.create_task(self._scrub(waits), name="scrub")
        await asyncio.shield(self._next_scrub)

    async def _scrub(self, waits: Sequence[int]) -> None:
        await asyncio.sleep(self._scrub_again_at - time.monotonic())
        self._next_scrub = None  # who asks from here on deleted something that this one may miss
        began = time.monotonic()
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put(partial(self._write_anew, written))
        try:
            await written
            await asyncio.to_thread(self._checkpoint, waits)
        finally:  # one that failed was waited for as long, and is asked for again
            self._scrub_again_at = time.monotonic() + _pause_after(time.monotonic() - began)

    def _write_anew(self, written: "asyncio.Future[None]") -> bool:
        """On the writer's thread: from another one it would hold the lock until writes give up waiting for it."""
        refusal = self._vacuum()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            written.get_loop().call_soon_threadsafe(_settle_order, written, refusal)
        return True

    def _vacuum(self) -> Problem | None:
        """What stood in the way, if anything: then the file is as it was."""
        try:
            size = self._path.stat().st_size
            if shutil.disk_usage(self._folder).free < 2 * size:
                return StorageFull()
            if size > SCRUB_IN_MEMORY_BYTES:
                self._writer.execute(f"pragma temp_store_directory = {apsw.format_sql_value(str(self._folder))}")
                self._writer.execute("pragma temp_store = file")
            self._writer.execute("vacuum")
        except Exception as error:
            log.error("scrub_failed", exc_info=error)
            return StorageFull() if isinstance(error, apsw.FullError) else StorageUnavailable()
        finally:
            self._writer.execute("pragma temp_store = memory")
        return None

    def _checkpoint(self, waits: Sequence[int]) -> None:
        connection = self._connect(self._path)
        try:
            for turn, wait in enumerate(waits):
                if turn:
                    time.sleep(CHECKPOINT_PAUSE_SECONDS)
                connection.set_busy_timeout(wait)
                if not next(iter(connection.execute("pragma wal_checkpoint(truncate)")))["busy"]:
                    return
        finally:
            connection.close()
        raise StorageUnavailable("The write-ahead log could not be emptied.")

    def _connect(self, path: Path, *, read_only: bool = False) -> apsw.Connection:
        connection = apsw.Connection(str(path), statementcachesize=STATEMENTS_KEPT)
        connection.row_trace = as_dict
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma secure_delete = on")
        connection.execute("pragma temp_store = memory")
        connection.execute("pragma trusted_schema = off")
        if read_only:
            connection.execute("pragma query_only = on")
        return connection

    def _write_until_closed(self) -> None:
        goes_on = True
        while goes_on:
            writes, order = self._next()
            if writes:
                self._commit_together(writes)
                for loop in {write.loop for write in writes}:
                    _settle_on(loop, [write for write in writes if write.loop is loop])
            goes_on = order() if order else True

    def _next(self) -> tuple[list[_Write], Order | None]:
        """Writes that wait together, up to a commit's worth; an order among them comes after those before it."""
        writes: list[_Write] = []
        due = math.inf
        while len(writes) < WRITES_PER_COMMIT:
            wait = max(0.0, due - time.monotonic()) if writes else None
            try:
                following = self._queue.get(timeout=wait)
            except queue.Empty:
                break
            if not isinstance(following, _Write):
                return writes, following
            writes.append(following)
            due = min(due, following.due)
        return writes, None

    def _commit_together(self, writes: list[_Write]) -> None:
        try:
            self._writer.execute("begin immediate")
            for write in writes:
                self._run(write)
            self._writer.execute("commit")
        except Exception as error:  # the commit itself failed: nobody's work is durable
            log.error("commit_failed", exc_info=error)
            if not self._writer.get_autocommit():
                self._writer.execute("rollback")
            refusal = StorageFull() if isinstance(error, apsw.FullError) else StorageUnavailable()
            for write in writes:
                write.error = refusal

    def _run(self, write: _Write) -> None:
        if self._is_low_on_space() and not write.frees_space:
            write.error = StorageFull()
            return
        transaction = Transaction(self._writer)
        try:
            with transaction.savepoint():
                write.result = write.work(transaction)
            write.committed = transaction.committed
        except Exception as error:
            if self._writer.get_autocommit():  # SQLite gave up the whole transaction
                raise
            write.error = error

    def _is_low_on_space(self) -> bool:
        now = time.monotonic()
        if self._reserve_bytes and now - self._checked_space_at > SPACE_CHECK_SECONDS:
            self._low_on_space = shutil.disk_usage(self._folder).free < self._reserve_bytes
            self._checked_space_at = now
        return self._low_on_space


def as_dict(cursor: apsw.Cursor, values: tuple[Any, ...]) -> Row:
    """A row by column name: the row trace of every connection that a `Transaction` reads."""
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


def _lock(folder: Path) -> IO[str]:
    """Holds the folder for this process until closed."""
    lock = open(folder / "lock", "w")  # noqa: SIM115 - lives as long as the database
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise DatabaseRefused(f"another process is using {folder}") from None
    return lock


def _settle_on(loop: asyncio.AbstractEventLoop, writes: list[_Write]) -> None:
    try:
        loop.call_soon_threadsafe(_settle, writes)
    except RuntimeError:  # the loop is closed: nobody waits any more, and what is committed stays committed
        log.warning("answers_dropped", count=len(writes))


def _pause_after(seconds: float) -> float:
    return SCRUB_SHARE * seconds * max(1.0, seconds)


def _settle_order(written: "asyncio.Future[None]", refusal: Problem | None) -> None:
    if not written.done():
        if refusal:
            written.set_exception(refusal)
        else:
            written.set_result(None)


def _settle(writes: list[_Write]) -> None:
    for write in writes:
        if write.error is None:
            for callback in write.committed:
                callback()
        if write.answer.done():  # the caller was cancelled
            continue
        if write.error is not None:
            write.answer.set_exception(write.error)
        else:
            write.answer.set_result(write.result)
