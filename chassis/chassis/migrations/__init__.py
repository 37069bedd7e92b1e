"""Numbered migrations: `0001_name.sql`, `0002_…`, applied in order at start, each in its own transaction."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import apsw
import structlog

log = structlog.get_logger()


class MigrationRefused(Exception):
    """The file was written by a newer version, or the migrations have a gap."""


@dataclass(frozen=True)
class Migrations:
    """The migrations of one component: those of a service, of the outbox, of the inbox."""

    component: str
    folder: Traversable

    def scripts(self) -> list[tuple[int, str, str]]:
        """(number, name, SQL) in order. Raises `MigrationRefused` on a gap."""
        named = sorted(entry.name for entry in self.folder.iterdir() if entry.name.endswith(".sql"))
        scripts = [(int(name[:4]), name, self.folder.joinpath(name).read_text()) for name in named]
        if [number for number, _, _ in scripts] != list(range(1, len(scripts) + 1)):
            raise MigrationRefused(f"the migrations of {self.component} are not numbered from 1 without a gap")
        return scripts


def package_migrations(package: str) -> Migrations:
    """The migrations in `<package>/migrations/`."""
    return Migrations(package, files(package).joinpath("migrations"))


OUTBOX = Migrations("outbox", files("chassis").joinpath("migrations/outbox"))
INBOX = Migrations("inbox", files("chassis").joinpath("migrations/inbox"))
OWNERS = Migrations("owners", files("chassis").joinpath("migrations/owners"))


def migrate(connection: apsw.Connection, components: list[Migrations]) -> None:
    """Brings the file up to date. Raises `MigrationRefused` when it is ahead of this version."""
    connection.execute(
        "create table if not exists migrations (component text not null, number integer not null, name text not null,"
        " applied_at integer not null default (unixepoch()), primary key (component, number))"
    )
    for component in components:
        scripts = component.scripts()
        done = connection.execute("select number from migrations where component = ?", (component.component,))
        applied = max((row["number"] for row in done), default=0)
        if applied > len(scripts):
            raise MigrationRefused(f"{component.component} is at migration {applied}, newer than this version knows")
        for number, name, sql in scripts[applied:]:
            _apply(connection, component.component, number, name, sql)


def _apply(connection: apsw.Connection, component: str, number: int, name: str, sql: str) -> None:
    connection.execute("begin immediate")
    try:
        connection.execute(sql)
        connection.execute(
            "insert into migrations (component, number, name) values (?, ?, ?)", (component, number, name)
        )
        connection.execute("commit")
    except BaseException:
        if not connection.get_autocommit():
            connection.execute("rollback")
        raise
    log.info("migrated", name=f"{component}/{name}", number=number)
