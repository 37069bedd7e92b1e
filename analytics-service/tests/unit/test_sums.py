"""The rules without HTTP: which events count, and that the sums of any period are exact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_service.problems import InvalidEvent
from analytics_service.recording import record_usage
from analytics_service.usage import Usage
from chassis.database import Database
from chassis.events import Event
from chassis.migrations import OWNERS, package_migrations

from ..conftest import usage_event

HOUR = 3600
NOON = 489_000 * HOUR


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("analytics_service"), OWNERS]) as database:
        yield database


async def record(database: Database, event: Event) -> None:
    await database.write(lambda tx: record_usage(tx, event))


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
        event = Event(**usage_event(created_at=moment, input_tokens=2**place))
        await record(database, event)

    report = await Usage(database).report("user_1", start, end)

    inside = [
        place
        for place, moment in enumerate(moments)
        if (start is None or moment >= start) and (end is None or moment < end)
    ]
    assert report.total.input_tokens == sum(2**place for place in inside)
    assert report.total.calls == len(inside)


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
