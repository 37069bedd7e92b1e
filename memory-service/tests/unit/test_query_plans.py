"""What stands in the path of a turn must not get slower with all that was ever said."""

from collections.abc import Iterator
from typing import Any

import apsw
import pytest

from chassis.database import Row, Transaction, _as_dict
from chassis.migrations import migrate, package_migrations
from memory_service.stores.facts import Facts


class Explained(Transaction):
    """Gives SQLite's plans instead of rows."""

    def all(self, sql: str, *values: Any, **named: Any) -> list[Row]:
        self.plans = [row["detail"] for row in super().all(f"explain query plan {sql}", *values, **named)]
        return []


@pytest.fixture
def explained() -> Iterator[Explained]:
    connection = apsw.Connection(":memory:")
    connection.row_trace = _as_dict
    migrate(connection, [package_migrations("memory_service")])
    yield Explained(connection)
    connection.close()


def test_the_first_facts_of_a_conversation_are_found_without_reading_the_others(explained: Explained) -> None:
    Facts(explained).of_conversation("user_1", "conv_1", 200)

    assert explained.plans == ["SEARCH facts USING INDEX facts_in_force (conversation_id=? AND owner=?)"]
