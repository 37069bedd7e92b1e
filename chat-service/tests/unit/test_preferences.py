"""What turns read of a user's settings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.migrations import package_migrations
from chat_service.stores.user_settings import Preferences, UserSettings


@pytest.mark.parametrize("name", ["Atlantis/Poseidonia", "../../etc/passwd", "/etc/passwd", "", "Europe", "a\x00b"])
def test_a_zone_that_this_machine_does_not_know_is_utc(name: str) -> None:
    assert Preferences(time_zone=name).zone is UTC


def test_the_zone_says_what_day_it_is_for_the_user() -> None:
    zone = Preferences(time_zone="Pacific/Auckland").zone

    assert datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone(zone).date().isoformat() == "2026-01-02"


async def test_what_a_later_version_wrote_down_is_passed_over(tmp_path: Path) -> None:
    def from_the_future(tx: Transaction) -> Preferences:
        UserSettings(tx).change("user_1", {"name": "Ada", "shoe_size": 38}, 1.0)
        return UserSettings(tx).find("user_1")

    with Database(tmp_path, [package_migrations("chat_service")]) as database:
        found = await database.write(from_the_future)

    assert found == Preferences(name="Ada", updated_at=1.0)
