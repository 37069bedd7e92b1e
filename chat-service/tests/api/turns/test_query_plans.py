"""However much there is of all users together, what one of them does reads no table from end to end."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from .conftest import Chat
from .neighbours import Neighbours
from .test_images import inline, looking, png
from .test_tools import WEATHER, called, result

QUERIES = ("select", "with", "insert", "update", "delete")
SCANNED = re.compile(r"SCAN (\w+)")


@pytest.fixture
def statements() -> Iterator[dict[str, Any]]:
    """What is run on connections that are opened from here on, and with which values."""
    run: dict[str, Any] = {}

    def note(_: apsw.Cursor, sql: str, values: Any) -> bool:
        run.setdefault(sql, values)
        return True

    def listen(connection: apsw.Connection) -> None:
        connection.exec_trace = note

    apsw.connection_hooks.append(listen)
    yield run
    apsw.connection_hooks.remove(listen)


def scans(folder: Path, statements: dict[str, Any]) -> list[str]:
    """The statements that read all of a table."""
    with closing(apsw.Connection(str(folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY)) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_schema where type = 'table'")}
        found = []
        for sql, values in statements.items():
            if sql.split()[0].lower() in QUERIES:
                plan = [row[3] for row in database.execute(f"explain query plan {sql}", values)]
                if any((scan := SCANNED.match(step)) and scan[1] in tables for step in plan):
                    found.append(sql)
        return found


def talk(chat: Chat) -> None:
    """One of every kind of turn, and all that is read of them."""
    must = {"type": "function", "name": "get_weather"}
    conversation = chat.ask("My dog is called Rex.")["conversation"]["id"]
    asked = chat.ask("What is the weather?", tools=[WEATHER], tool_choice=must, conversation=conversation)
    answered = chat.ask([result(called(asked))], previous_response_id=asked["id"])
    chat.ask(looking(inline(png(1, 2, 3))), conversation=conversation)
    chat.ask("And how large is it?", conversation=conversation, store=False)
    chat.ask("Write hello.py.", model="deepthinks-code", conversation=conversation)
    hello = {"model": "deepthinks", "messages": [{"role": "user", "content": "Hello."}]}
    with chat.http() as http:
        http.post("/responses", json={"replaces": answered["id"]}, headers={"idempotency-key": "once"})
        http.post("/responses", json={"input": "Hello."}, headers={"x-stainless-retry-count": "1"})
        http.post("/chat/completions", json=hello, headers={"x-conversation-id": "theirs"})
        for response in ("", "/context", "/input_items", "?stream=true"):
            http.get(f"/responses/{answered['id']}{response}").raise_for_status()
        [item, *_] = http.get(f"/conversations/{conversation}/items").json()["data"]
        for listed in ("items", f"items?after={item['id']}", "items?order=asc", "responses", "code_files"):
            http.get(f"/conversations/{conversation}/{listed}").raise_for_status()
        for wanted in ("", "?search=rex", "?sort=created", "?archived=any&pinned=true"):
            http.get(f"/conversations{wanted}").raise_for_status()
        http.delete(f"/conversations/{conversation}/items/{item['id']}").raise_for_status()
        http.delete(f"/responses/{answered['id']}").raise_for_status()
        http.delete(f"/conversations/{conversation}").raise_for_status()


def test_nothing_that_a_user_does_reads_a_whole_table(
    statements: dict[str, Any], start: Any, neighbours: Neighbours
) -> None:
    with start() as chat:
        statements.clear()  # what only the start does is done once
        talk(chat)
        run = dict(statements)

    assert len(run) > 50
    assert scans(chat.folder, run) == []
