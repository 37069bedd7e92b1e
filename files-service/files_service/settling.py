"""Lets requests wait until files are settled, without asking the database again and again."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Settling:
    """Watch first, then read the files' states: what is announced after the reading is not missed."""

    def __init__(self) -> None:
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, file_ids: Iterable[str]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of the files changes; whoever waits clears it."""
        watched = set(file_ids)
        event = asyncio.Event()
        for file_id in watched:
            self._watchers[file_id].add(event)
        try:
            yield event
        finally:
            for file_id in watched:
                self._watchers[file_id].discard(event)
                if not self._watchers[file_id]:
                    del self._watchers[file_id]

    def announce(self, file_id: str) -> None:
        """Wakes who watches that file."""
        for event in self._watchers.get(file_id, ()):
            event.set()
