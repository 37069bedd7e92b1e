"""The rules without HTTP: which events count, and that the sums of any period are exact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_service.problems import InvalidEvent
from analytics_service.recording import record_usage
from analytics_service.schemas import UsageRecorded
from analytics_service.stores.usage_events import UsageEvents
from analytics_service.usage import Usage
from chassis.database import Database, Transaction
from chassis.events import Event
from chassis.migrations import OWNERS, Migrations, package_migrations

from ..conftest import usage_event

HOUR = 3600
NOON = 489_000 * HOUR


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("analytics_service"), OWNERS]) as database:
        yield database


async def record(database: Database, event: Event) -> None:
    await database.write(lambda tx: record_usage(tx, event))


def insert_as_before(tx: Transaction, event: Event) -> None:
    """A call and its sum as they were kept when hours did not count turns."""
    call = UsageRecorded.model_validate(event.data)
    UsageEvents(tx).add(call)
    tx.run(
        "insert into usage_hours values (:owner, :hour, :model, '', 1, 0, 0, 0, 0, 0)"
        " on conflict do update set calls = calls + 1",
        owner=call.owner,
        hour=int(call.created_at // HOUR),
        model=call.model,
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (NOON, NOON + 2 * HOUR),  # whole hours
        (NOON + 10, NOON + 20),  # inside one hour
        (NOON + 10, NOON + HOUR + 10),  # across a boundary, no whole hour
        (NOON - 10, NOON + 2 * HOUR + 10),  # whole hours and a piece at each end
        (NOON + 1, None),
        (None, NOON + 2 * HOUR - 1),
        (NOON + 10, NOON + 10),  # empty
        (NOON, NOON + HOUR - 1),
    ],
)
async def test_the_sums_of_any_period_are_exact(database: Database, start: int | None, end: int | None) -> None:
    moments = [NOON + offset for offset in (-1, -0.5, 0, 10, 19.9, 20, HOUR - 1, HOUR, HOUR + 10, 2 * HOUR, 3 * HOUR)]
    for place, moment in enumerate(moments):
        purpose = "turn" if place % 2 else "repair"
        event = Event(**usage_event(created_at=moment, input_tokens=2**place, purpose=purpose))
        await record(database, event)

    report = await Usage(database).report("user_1", start, end)

    inside = [
        place
        for place, moment in enumerate(moments)
        if (start is None or moment >= start) and (end is None or moment < end)
    ]
    assert report.total.input_tokens == sum(2**place for place in inside)
    assert report.total.calls == len(inside)
    assert report.total.turns == sum(place % 2 for place in inside)


async def test_hours_that_were_summed_before_turns_were_counted_get_theirs(tmp_path: Path) -> None:
    today = package_migrations("analytics_service")
    first = tmp_path / "first"
    first.mkdir()
    (first / "0001_usage.sql").write_text(today.folder.joinpath("0001_usage.sql").read_text())
    purposes = ["turn", "turn", "completion"]
    events = [Event(**usage_event(purpose=purpose, conversation_id=None)) for purpose in purposes]
    with Database(tmp_path / "data", [Migrations(today.component, first), OWNERS]) as database:
        for event in events:
            await database.write(lambda tx, event=event: insert_as_before(tx, event))

    with Database(tmp_path / "data", [today, OWNERS]) as database:
        report = await Usage(database).report("user_1", None, None)

    assert (report.total.calls, report.total.turns) == (3, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"input_tokens": -1},
        {"input_tokens": 10**10},
        {"input_tokens": 1.5},
        {"output_tokens": "20"},
        {"cached_tokens": None},
        {"reasoning_tokens": True},
        {"source": "guess"},
        {"purpose": "Turn it up"},
        {"model": ""},
        {"owner": ""},
        {"owner": None},
        {"conversation_id": ""},
        {"created_at": -1},
        {"created_at": 1e300},
        {"latency_ms": -1},
    ],
)
async def test_an_event_that_does_not_say_what_was_used_is_refused_whole(
    database: Database, changes: dict[str, Any]
) -> None:
    event = Event(**usage_event(**changes))

    with pytest.raises(InvalidEvent):
        await record(database, event)

    assert (await Usage(database).report("user_1", None, None)).total.calls == 0
