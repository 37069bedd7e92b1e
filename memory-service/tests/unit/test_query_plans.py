"""What stands in the path of a turn must not get slower with all that was ever said."""

from typing import Any

import apsw
import pytest

from chassis.database import Row, Transaction
from memory_service.stores.branches import Path, Segment
from memory_service.stores.facts import Facts
from memory_service.stores.turns import Turns


class Explained(Transaction):
    """Gives SQLite's plans instead of rows."""

    def all(self, sql: str, *values: Any, **named: Any) -> list[Row]:
        self.plans = [row["detail"] for row in super().all(f"explain query plan {sql}", *values, **named)]
        return []


@pytest.fixture
def explained(connection: apsw.Connection) -> Explained:
    return Explained(connection)


def test_the_first_facts_of_an_owner_are_found_without_reading_the_others(explained: Explained) -> None:
    path = Path((Segment(2, 3, 5), Segment(1, 0, 3)))

    Facts(explained).visible("user_1", "conv_1", path, 64, across=True)

    assert explained.plans[0] == "SEARCH facts USING INDEX facts_in_force (owner=?)"
    assert not [plan for plan in explained.plans if "TEMP B-TREE" in plan or plan.startswith("SCAN facts")]


def test_what_is_said_again_is_found_by_its_wording(explained: Explained) -> None:
    Facts(explained).worded("user_1", "Lives in Graz")

    assert explained.plans[0] == "SEARCH facts USING INDEX facts_by_wording (owner=? AND wording=?)"


def test_what_a_user_refused_is_found_without_reading_the_rest(explained: Explained) -> None:
    Facts(explained).refused("user_1")

    assert explained.plans == ["SEARCH facts USING INDEX facts_refused (owner=?)"]


def test_turns_that_are_not_indexed_are_found_without_reading_the_rest(explained: Explained) -> None:
    Turns(explained).kept_aside("user_1")

    assert explained.plans == ["SEARCH turns USING INDEX turns_kept_aside (owner=?)"]


def test_the_facts_of_a_turn_and_of_a_conversation_are_found_by_their_sources(explained: Explained) -> None:
    Facts(explained).said_in(["resp_1"])
    by_turn = explained.plans
    Facts(explained).said_in_conversation("conv_1")

    for plans in (by_turn, explained.plans):
        assert not [plan for plan in plans if plan in ("SCAN facts", "SCAN s", "SCAN t")]
