"""Threads that read a database, each with a connection of its own. An executor would cost more than most reads do."""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw

T = TypeVar("T")


@dataclass
class _Read:
    work: Callable[[apsw.Connection], Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Readers:
    """So many threads; `connect` opens a connection for each when it is first needed."""

    def __init__(self, count: int, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._queue: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._read_until_closed, name=f"reader {number}", daemon=True)
            for number in range(count)
        ]

    def start(self) -> None:
        """Nothing is read before."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Returns when what was asked for before is read."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """What `work` returns, called in a transaction on one of the threads."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Read(work, loop, answer))
        return await answer

    def _read_until_closed(self) -> None:
        connection: apsw.Connection | None = None
        while read := self._queue.get():
            try:
                connection = connection or self._connect()
                read.result = _snapshot(connection, read.work)
            except Exception as error:
                read.error = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                read.loop.call_soon_threadsafe(_tell, read)
        if connection:
            connection.close()


def _snapshot(connection: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    connection.execute("begin")
    try:
        return work(connection)
    finally:
        connection.execute("rollback")


def _tell(read: _Read) -> None:
    if read.answer.done():  # the caller was cancelled
        return
    if read.error is not None:
        read.answer.set_exception(read.error)
    else:
        read.answer.set_result(read.result)
