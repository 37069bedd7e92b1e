"""A topic goes a few turns at a time, and is never left half forgotten in a way that the next try does not mend."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import system_clock
from chassis.database import Database, Transaction
from chassis.events import Event
from chassis.ids import new_id
from chassis.migrations import INBOX, OWNERS, package_migrations
from memory_service import retrieval
from memory_service.archive import Archive
from memory_service.folding import Limits
from memory_service.folds import Folds
from memory_service.holdings import MemoryHoldings
from memory_service.problems import TopicTooBroad
from memory_service.revising import Revising
from memory_service.schemas.topics import ForgetTopic
from memory_service.scrubbing import Scrubbing
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.fact_sources import Source
from memory_service.stores.facts import ACTIVE, Fact, Facts
from memory_service.stores.forgotten_topics import KEPT_SECONDS, MOST_KEPT, ForgottenTopics
from memory_service.stores.turns import FORGOTTEN, Turns
from memory_service.topic_forgetting import FACTS_AT_ONCE, TURNS_AT_ONCE, TopicForgetting
from memory_service.topics import Topic, turns_on

from ..conftest import Talk

OWNER = "user_1"


@dataclass
class Archived:
    """A database with turns in it, and what forgets them; `clock` says when it is."""

    database: Database
    archive: Archive
    topics: TopicForgetting
    during: list[asyncio.Task[Any]] = field(default_factory=list)
    asked: Iterator[int] = field(default_factory=count)

    async def say(self, *events: dict[str, Any]) -> None:
        def take_in(tx: Transaction) -> None:
            for event in events:
                self.archive.turn_ended(tx, Event(**event))

        await self.database.write(take_in)

    async def turns(self, ids: list[str]) -> list[tuple[str, str]]:
        """Status and words of each."""

        def read(tx: Transaction) -> list[tuple[str, str]]:
            found = Turns(tx).find_all(ids)
            return [(found[each].status, found[each].user_text) for each in ids]

        return await self.database.read(read)

    async def found(self, query: str) -> set[str]:
        found = await self.database.read(lambda tx: retrieval.search(tx, OWNER, query, limit=1000, beside=False))
        return {each.turn.id for each in found}


@pytest.fixture
async def archived(tmp_path: Path) -> AsyncIterator[Archived]:
    """Its clock ends what `during` holds when it is asked for the second time: once for the note, then by the turns."""
    loop = asyncio.get_running_loop()
    with Database(tmp_path, [package_migrations("memory_service"), INBOX, OWNERS]) as database:
        folds = Folds(Limits(4, 3000, 1500, 4000), system_clock, lambda: None, lambda: 1.0)
        scrubbing = Scrubbing(database, system_clock)

        def clock() -> float:
            if running.during and next(running.asked) > 0:
                loop.call_soon_threadsafe(running.during.pop().cancel)
            return system_clock()

        topics = TopicForgetting(database, Revising(folds, scrubbing), scrubbing, clock)
        running = Archived(database, Archive(folds, scrubbing, system_clock), topics)
        async with scrubbing:
            yield running


async def test_what_an_interruption_leaves_is_whole_and_the_next_try_finishes_it(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(*(talk.turn(f"Falcon number {number}.") for number in range(3 * TURNS_AT_ONCE)))
    trying = asyncio.create_task(archived.topics.forget(OWNER, ForgetTopic(topic="falcon")))
    archived.during.append(trying)

    with pytest.raises(asyncio.CancelledError):
        await trying
    await archived.say()  # what was being written then is written now
    left = await archived.turns(talk.turns)
    still_found = await archived.found("falcon")
    again = await archived.topics.forget(OWNER, ForgetTopic(topic="falcon"))

    assert left[:TURNS_AT_ONCE] == [(FORGOTTEN, "")] * TURNS_AT_ONCE
    assert [status for status, _ in left[TURNS_AT_ONCE:]] == ["completed"] * 2 * TURNS_AT_ONCE
    assert still_found == set(talk.turns[TURNS_AT_ONCE:])
    assert [turn.id for turn in again.turns] == talk.turns[TURNS_AT_ONCE:]
    assert await archived.turns(talk.turns) == [(FORGOTTEN, "")] * 3 * TURNS_AT_ONCE
    assert await archived.found("falcon") == set()


async def test_of_very_many_facts_some_go_at_a_time_so_that_others_are_not_kept_waiting(archived: Archived) -> None:
    def learn(tx: Transaction) -> None:
        for number in range(2 * FACTS_AT_ONCE + 1):
            fact = Fact(new_id("mem"), OWNER, f"Falcon {number}.", "other", 5, ACTIVE, 1, None, None, None, 1, 1)
            Facts(tx).add(fact)

    await archived.database.write(learn)
    trying = asyncio.create_task(archived.topics.forget(OWNER, ForgetTopic(topic="falcon")))
    archived.during.append(trying)

    with pytest.raises(asyncio.CancelledError):
        await trying
    await archived.say()
    left = await archived.database.read(lambda tx: Facts(tx).count(OWNER))
    again = await archived.topics.forget(OWNER, ForgetTopic(topic="falcon"))

    assert left == len(again.facts) == FACTS_AT_ONCE + 1
    assert await archived.database.read(lambda tx: Facts(tx).count(OWNER)) == 0


async def test_a_turn_that_arrives_while_its_topic_is_forgotten_is_forgotten_too(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(talk.turn("The falcon flies."))

    trying = asyncio.create_task(archived.topics.forget(OWNER, ForgetTopic(topic="falcon")))
    for number in range(20):
        await archived.say(talk.turn(f"Falcon number {number}."))
    await trying

    assert {text for _, text in await archived.turns(talk.turns)} == {""}


async def test_of_forgotten_topics_only_so_many_are_kept_and_not_for_ever(archived: Archived) -> None:
    def forget_many(tx: Transaction) -> list[tuple[int, ...]]:
        kept: list[tuple[int, ...]] = []
        for now in (1.0, 1.0 + KEPT_SECONDS, 2.0 + KEPT_SECONDS):
            for owner, topics in ((OWNER, MOST_KEPT + 5), ("user_2", 1)):
                for _ in range(topics):
                    ForgottenTopics(tx).add(owner, None, [["falcon"]], now)
            of_owners = (ForgottenTopics(tx).since(owner, "conv_1", 0.0) for owner in (OWNER, "user_2"))
            kept.append(tuple(map(len, of_owners)))
        MemoryHoldings(archived.database).erase(tx, "user_2", "gone_2")
        return [*kept, (0, len(ForgottenTopics(tx).since("user_2", "conv_1", 0.0)))]

    kept = await archived.database.write(forget_many)

    assert kept == [(MOST_KEPT, 1), (MOST_KEPT, 2), (MOST_KEPT, 2), (0, 0)]


async def test_turns_that_are_not_in_the_index_yet_are_forgotten_too(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(talk.turn("The falcon flies."), talk.turn("Goodbye."))
    number = "insert into unindexed select number from turns where id = ?"

    def as_after_an_upgrade(tx: Transaction) -> None:
        tx.run("delete from passages_fts")
        tx.run("delete from passages")
        tx.run(number, talk.turns[0])

    await archived.database.write(as_after_an_upgrade)

    await archived.topics.forget(OWNER, ForgetTopic(topic="falcon"))

    assert [text for _, text in await archived.turns(talk.turns)] == ["", "Goodbye."]


async def test_a_word_that_very_many_turns_have_still_narrows_what_another_finds(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(talk.turn("The falcon flies."), talk.turn("The falcon, a bird, sleeps."))
    await archived.say(*(talk.turn(f"My bird number {number} flies.") for number in range(8)))

    found = await archived.database.read(lambda tx: turns_on(tx, OWNER, Topic("falcon bird"), None, common=4))

    assert [turn.id for turn in found] == [talk.turns[1]]


async def test_a_word_that_only_other_conversations_are_full_of_is_not_too_common(archived: Archived) -> None:
    here, there = Talk(OWNER), Talk(OWNER)
    await archived.say(*(there.turn(f"Falcon number {number}.") for number in range(8)), here.turn("A falcon."))

    found = await archived.database.read(lambda tx: turns_on(tx, OWNER, Topic("falcon"), here.id, common=4))

    assert [turn.id for turn in found] == here.turns
    with pytest.raises(TopicTooBroad):
        await archived.database.read(lambda tx: turns_on(tx, OWNER, Topic("falcon"), None, common=4))


async def test_the_days_on_which_turns_were_said_make_no_word_common(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(talk.turn("I was born in October."), *(talk.turn(f"Apple {number}.") for number in range(8)))

    found = await archived.database.read(lambda tx: turns_on(tx, OWNER, Topic("october"), None, common=4))

    assert [turn.id for turn in found] == talk.turns[:1]


async def test_a_fact_that_only_turns_of_its_fold_bear_out_goes_with_any_of_them(archived: Archived) -> None:
    talk = Talk(OWNER)
    await archived.say(
        *(talk.turn(f"Falcon number {number}.") for number in range(TURNS_AT_ONCE)),
        talk.turn("Anna has a falcon."),
        talk.turn("She owns a boat."),
    )
    await archived.database.write(lambda tx: _folded_together(tx, talk, "Anna owns a boat."))

    receipt = await archived.topics.forget(OWNER, ForgetTopic(topic="falcon"))

    assert [fact.text for fact in receipt.facts] == ["Anna owns a boat."]


async def test_a_fact_that_was_said_elsewhere_too_stays_when_one_conversation_forgets_it(archived: Archived) -> None:
    here, there = Talk(OWNER), Talk(OWNER)
    await archived.say(here.turn("My falcon is Freya."), there.turn("My falcon is Freya."))
    await archived.database.write(lambda tx: _fact(tx, "Has a falcon, Freya.", here.turns[0], there.turns[0]))
    await archived.database.write(lambda tx: _fact(tx, "Likes every falcon."))

    receipts = [
        await archived.topics.forget(OWNER, ForgetTopic(topic="falcon", conversation=talk.id)) for talk in (here, there)
    ]

    assert [[fact.text for fact in receipt.facts] for receipt in receipts] == [[], ["Has a falcon, Freya."]]
    left = await archived.database.read(lambda tx: Facts(tx).texts(OWNER))
    assert list(left.values()) == ["Likes every falcon."]


def _folded_together(tx: Transaction, talk: Talk, text: str) -> None:
    """One episode over all turns, and a fact whose source is the last of them."""
    turns = Turns(tx).find_all(talk.turns)
    Episodes(tx).add(
        Episode(
            id="mem_1",
            conversation_id=talk.id,
            branch=turns[talk.turns[0]].branch,
            level=0,
            depth_from=1,
            depth_to=len(talk.turns),
            summary="Of falcons and a boat.",
            priority=5,
            quote_turn_id=None,
            quote_from=None,
            quote_to=None,
            tokens=5,
            happened_at=1.0,
            model="example/model",
            input_tokens=None,
            output_tokens=None,
            created_at=1.0,
        )
    )
    _fact(tx, text, talk.turns[-1])


def _fact(tx: Transaction, text: str, *turn_ids: str) -> None:
    fact = Fact(new_id("mem"), OWNER, text, "other", 5, ACTIVE, 1.0, None, None, None, 1.0, 1.0)
    Facts(tx).add(fact, [Source(each, 0, 3) for each in turn_ids])
