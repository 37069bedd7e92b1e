"""However calls and departures follow each other, the rollup is what a rebuild from the calls would make."""

import random
from pathlib import Path

from analytics_service.holdings import UsageHoldings
from analytics_service.recording import record_usage
from chassis.database import Database, Row, Transaction
from chassis.events import Event
from chassis.migrations import OWNERS, package_migrations
from chassis.owners import Estates

from ..conftest import usage_event

NOON = 1_760_400_000


def rollup(tx: Transaction) -> list[Row]:
    return tx.all(
        "select owner, hour, model, conversation_id, calls, turns, input_tokens, cached_tokens, output_tokens,"
        "       reasoning_tokens, estimated_calls"
        "  from usage_hours order by owner, hour, model, conversation_id"
    )


def rebuilt(tx: Transaction) -> list[Row]:
    return tx.all(
        "select owner, cast(created_at / 3600 as integer) as hour, model,"
        "       coalesce(conversation_id, '') as conversation_id,"
        "       count(*) as calls, sum(purpose = 'turn') as turns,"
        "       sum(input_tokens) as input_tokens, sum(cached_tokens) as cached_tokens,"
        "       sum(output_tokens) as output_tokens, sum(reasoning_tokens) as reasoning_tokens,"
        "       sum(source = 'estimated') as estimated_calls"
        "  from usage_events group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )


def some_call(chance: random.Random) -> Event:
    return Event(
        **usage_event(
            owner=chance.choice(["guest_1", "guest_2", "user_1", "user_2"]),
            created_at=NOON + chance.random() * 3 * 3600,
            model=chance.choice(["example/large", "example/small"]),
            conversation_id=chance.choice([None, "conv_1", "conv_2"]),
            purpose=chance.choice(["turn", "title"]),
            source=chance.choice(["provider", "estimated"]),
            input_tokens=chance.randrange(1000),
            output_tokens=chance.randrange(1000),
        )
    )


async def test_the_sums_after_merges_and_erasures_equal_a_rebuild_from_the_calls(tmp_path: Path) -> None:
    chance = random.Random(11)

    def record_some(tx: Transaction) -> None:
        for _ in range(300):
            record_usage(tx, some_call(chance))

    with Database(tmp_path, [package_migrations("analytics_service"), OWNERS]) as database:
        estates = Estates(database, UsageHoldings())
        await database.write(record_some)
        await estates.merge("guest_1", "user_1")
        await database.write(record_some)
        await estates.merge("guest_2", "user_1")
        await estates.erase("user_1", "gone_1")
        await database.write(record_some)

        kept, expected = await database.read(lambda tx: (rollup(tx), rebuilt(tx)))

    assert kept == expected
    assert {row["owner"] for row in kept} == {"gone_1", "user_2"}
    assert sum(row["calls"] for row in kept) == 900
