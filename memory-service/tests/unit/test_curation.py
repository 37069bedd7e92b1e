"""How much is kept for one user."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.migrations import INBOX, OWNERS, package_migrations
from memory_service.curation import Curation
from memory_service.problems import TooManyFacts
from memory_service.schemas.facts import ChangeFact, CreateFact
from memory_service.scrubbing import Scrubbing
from memory_service.stores.fact_changes import MOST_CHANGES
from memory_service.stores.facts import FACTS_PER_OWNER, Facts


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("memory_service"), INBOX, OWNERS]) as opened:
        yield opened


@pytest.fixture
def curation(database: Database) -> Curation:
    return Curation(database, Scrubbing(database, lambda: 1.0), lambda: 1.0)


async def test_a_user_may_keep_so_many_facts_and_no_more(database: Database, curation: Curation) -> None:
    first, _ = await curation.create("user_1", CreateFact(text="Owns a boat."))

    def fill(tx: Transaction) -> None:
        for number in range(FACTS_PER_OWNER - 1):
            Facts(tx).add(replace(first.fact, id=new_id("mem"), text=f"Owns boat {number}."))

    await database.write(fill)

    with pytest.raises(TooManyFacts):
        await curation.create("user_1", CreateFact(text="Owns one more."))
    _, is_new = await curation.create("user_1", CreateFact(text="Owns a boat."))
    assert not is_new
    await curation.create("user_2", CreateFact(text="Owns one more."))
    await curation.delete("user_1", first.fact.id)
    await curation.create("user_1", CreateFact(text="Owns one more."))


async def test_of_very_many_changes_the_newest_hundred_are_kept(curation: Curation) -> None:
    listed, _ = await curation.create("user_1", CreateFact(text="Owns 0 boats."))
    for number in range(1, MOST_CHANGES + 4):
        await curation.change("user_1", listed.fact.id, ChangeFact(text=f"Owns {number} boats."))

    history = await curation.history("user_1", listed.fact.id)

    before = [change.before.text for change in history if change.before]
    assert before == [f"Owns {number} boats." for number in range(MOST_CHANGES + 2, 2, -1)]
