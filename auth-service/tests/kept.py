"""What a service has written, read and changed behind its back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

PATIENCE_MILLISECONDS = 5000
"""The service writes too."""


@dataclass
class Kept:
    """The database of the service on that folder, whether it runs or not."""

    folder: Path

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """What a statement finds, or `returning`."""
        with self._connected() as connection:
            return list(connection.execute(sql, values))

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(sql, *values)[0][0]

    def change(self, sql: str, *values: Any) -> None:
        """Something must be there to be changed."""
        assert self.rows(f"{sql} returning 1", *values)

    @contextmanager
    def changing(self) -> Iterator[Callable[..., Any]]:
        """A transaction that the service's own writes wait for."""
        with self._connected() as connection:
            connection.execute("begin immediate")
            yield connection.execute
            connection.execute("commit")

    def events(self, user_id: str) -> list[str]:
        """The audit log of one account."""
        return [event for (event,) in self.rows("select event from audit_log where user_id = ? order by id", user_id)]

    @contextmanager
    def _connected(self) -> Iterator[apsw.Connection]:
        connection = apsw.Connection(str(self.folder / "data.sqlite3"))
        connection.set_busy_timeout(PATIENCE_MILLISECONDS)
        connection.execute("pragma foreign_keys = on")
        try:
            yield connection
        finally:
            connection.close()
