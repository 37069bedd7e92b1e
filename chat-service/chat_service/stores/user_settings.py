"""The `user_settings` table: what users chose; what they did not choose is not written down."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from chassis.database import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a user chose, and the defaults for the rest. None leaves the choice to the mode."""

    name: str | None = None
    persona: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    theme: str = "system"
    time_zone: str = "UTC"
    default_mode: str = "deepthinks"
    updated_at: float | None = None

    @property
    def zone(self) -> tzinfo:
        """UTC where this machine does not know the zone."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC


CHOICES = frozenset(field.name for field in fields(Preferences)) - {"updated_at"}


class UserSettings:
    """At most one row for each owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str) -> Preferences:
        """The owner's preferences; all defaults for somebody who never chose."""
        return _preferences(self._row(owner))

    def change(self, owner: str, changes: Mapping[str, Any], now: float) -> Preferences:
        """Changes what is given and nothing else; None goes back to the default."""
        row = self._row(owner)
        before = orjson.loads(row["body"]) if row else {}
        chosen = {name: value for name, value in {**before, **changes}.items() if value is not None}
        body = orjson.dumps(chosen).decode()
        self._tx.run(
            "insert into user_settings (owner, body, updated_at) values (?, ?, ?)"
            " on conflict (owner) do update set body = excluded.body, updated_at = excluded.updated_at",
            owner,
            body,
            now,
        )
        return _preferences({"body": body, "updated_at": now})

    def give(self, owner: str, into: str) -> int:
        """Those of `owner` become those of `into`, unless it has its own; returns how many were given."""
        given = self._tx.run(
            "update user_settings set owner = :into"
            " where owner = :owner and not exists (select 1 from user_settings where owner = :into)",
            owner=owner,
            into=into,
        )
        self.erase(owner)
        return given

    def erase(self, owner: str) -> int:
        """Returns how many there were."""
        return self._tx.run("delete from user_settings where owner = ?", owner)

    def _row(self, owner: str) -> Row | None:
        return self._tx.one("select body, updated_at from user_settings where owner = ?", owner)


def _preferences(row: Row | None) -> Preferences:
    if row is None:
        return Preferences()
    chosen = {name: value for name, value in orjson.loads(row["body"]).items() if name in CHOICES}
    return Preferences(**chosen, updated_at=row["updated_at"])
