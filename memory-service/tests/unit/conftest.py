"""A database of memory's own for rules and stores that need no service."""

from collections.abc import Iterator

import apsw
import pytest

from chassis.database import as_dict
from chassis.migrations import migrate, package_migrations


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    """An empty one in memory, migrated."""
    connection = apsw.Connection(":memory:")
    connection.row_trace = as_dict
    migrate(connection, [package_migrations("memory_service")])
    yield connection
    connection.close()
