"""A database that the version before wrote: nothing in it is lost, and all of it is found."""

from pathlib import Path

import apsw

from chassis.database import as_dict
from chassis.migrations import Migrations, migrate, package_migrations
from chassis.testing import FakeAuth, eventually

from ..conftest import START, Running

BEFORE = 4
"""The last migration of the version before the index was made anew."""


def written_before(folder: Path, migrations: Path) -> None:
    """250 turns, one of them forgotten, and two facts said in the first, as that version kept them."""
    scripts = package_migrations("memory_service").scripts()[:BEFORE]
    migrations.mkdir()
    for _, name, sql in scripts:
        (migrations / name).write_text(sql)
    folder.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(folder / "data.sqlite3"))
    connection.row_trace = as_dict
    migrate(connection, [Migrations("memory_service", migrations)])
    with connection:
        connection.execute("insert into conversations (id, owner, active_branch) values ('conv_1', 'user_1', 1)")
        connection.execute(
            "insert into branches (id, conversation_id, fork_depth, tip_depth, folded_through)"
            " values (1, 'conv_1', 0, 250, 0)"
        )
        for depth in range(1, 251):
            kept = depth != 7
            connection.execute(
                "insert into turns (id, owner, conversation_id, branch, depth, status, remembered, user_text,"
                " assistant_text, file_ids, tokens, created_at, ended_at, session_at)"
                " values (?, 'user_1', 'conv_1', 1, ?, ?, ?, ?, '', '[]', 10, ?, ?, ?)",
                (
                    *(f"resp_{depth}", depth, "completed" if kept else "forgotten", int(kept)),
                    f"I live in Graz, at number {depth}." if kept else "",
                    *(START + depth, START + depth, START),
                ),
            )
        for number, priority in ((1, 9), (2, 5)):
            connection.execute(
                "insert into facts (id, owner, conversation_id, branch, depth, text, kind, priority, status,"
                " valid_from, created_at) values (?, 'user_1', 'conv_1', 1, 1, ?, 'profile', ?, 'active', ?, ?)",
                (f"mem_{number}", f"The user lives in Graz, {number}.", priority, START, START),
            )
            connection.execute("insert into fact_sources values (?, 'resp_1', 0, 14)", (f"mem_{number}",))
    connection.close()


def test_turns_and_facts_of_the_version_before_are_found(running: Running, tmp_path: Path) -> None:
    data = tmp_path / "before"
    written_before(data, tmp_path / "migrations")

    with running(service_data=data) as memory:
        eventually(lambda: not left(data))
        shown = memory.show("conv_1")
        oldest, forgotten = memory.search("Graz number 1"), memory.search("number 7")

    assert oldest[0]["id"] == "resp_1"
    assert "resp_7" not in [each["id"] for each in forgotten]
    details = shown["long_term"]["important_details"]
    assert [(each["id"], each["sources"][0]["quote"]) for each in details] == [
        ("mem_1", "I live in Graz"),
        ("mem_2", "I live in Graz"),
    ]


def test_a_start_that_was_cut_off_while_indexing_goes_on_with_it(running: Running, tmp_path: Path) -> None:
    data = tmp_path / "before"
    written_before(data, tmp_path / "migrations")
    with running(service_data=data) as memory:
        eventually(lambda: not left(data))
    connection = apsw.Connection(str(data / "data.sqlite3"))
    connection.execute("insert or ignore into unindexed select number from turns where depth in (1, 7, 100)")
    connection.close()

    with running(service_data=data) as memory:
        eventually(lambda: not left(data))
        found = [each["id"] for each in memory.search("number 100", limit=100)]

    assert found[0] == "resp_100"
    assert len(found) == len(set(found))


def test_a_fact_of_the_version_before_that_is_written_again_is_the_same(
    running: Running, tmp_path: Path, auth: FakeAuth
) -> None:
    data = tmp_path / "before"
    written_before(data, tmp_path / "migrations")
    connection = apsw.Connection(str(data / "data.sqlite3"))
    connection.execute("update facts set text = 'Der Ölofen in Übersee raucht!' where id = 'mem_1'")
    connection.close()

    with running(service_data=data) as memory:
        body = {"text": "Der Ölofen in Übersee raucht!"}
        again = memory.http.post("/v1/memory/facts", json=body, headers=auth.headers("user_1"))

    assert (again.status_code, again.json()["id"]) == (200, "mem_1")


def left(data: Path) -> int:
    connection = apsw.Connection(str(data / "data.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    count: int = next(connection.execute("select count(*) from unindexed"))[0]
    connection.close()
    return count
