"""Events from one service to another: exactly once in effect, in order, and nobody is held up."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chassis.database import Database, Transaction
from chassis.events import EVENTS_PATH, Event
from chassis.identity import Identity, RemoteKeys
from chassis.inbox import Inbox
from chassis.migrations import INBOX, OUTBOX
from chassis.neighbours import Neighbour, neighbour_client
from chassis.outbox import Outbox, rewrite_pending
from chassis.testing import serve, service_token

from .example_service import SECRET, create_example, note


@asynccontextmanager
async def sender(folder: Path, beta_url: str) -> AsyncIterator[tuple[Database, Outbox]]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(neighbour_client())
        identity = Identity("alpha", RemoteKeys("http://127.0.0.1:1", http), {"beta": SECRET})
        database = stack.enter_context(Database(folder / "alpha", [OUTBOX]))
        consumers = {"beta": Neighbour("beta", beta_url, http, identity)}
        yield database, await stack.enter_async_context(Outbox(database, consumers))


def owe(outbox: Outbox, number: int, key: str = "k", **data: object) -> Callable[[Transaction], str]:
    return lambda tx: outbox.put(tx, to="beta", kind="noted", key=key, data={"number": number, **data})


def owed(tx: Transaction) -> list[dict]:
    return tx.all("select event_id, tries, parked_at, refusal from outbox order by sequence")


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def noted(app) -> list[int]:
    """What beta has applied, read on a connection of its own."""
    database: Database = app.state.database
    with database._connect(database._path, read_only=True) as connection:
        if not list(connection.execute("select name from sqlite_master where name = 'noted'")):
            return []
        return [row["number"] for row in connection.execute("select number from noted order by rowid")]


async def test_events_arrive_once_and_in_order(tmp_path: Path, auth_url: str) -> None:
    beta = create_example("beta", tmp_path, auth_url)
    with serve(beta) as url:
        async with sender(tmp_path, url) as (database, outbox):
            for number in range(250):
                await database.write(owe(outbox, number))
            await until(lambda: len(noted(beta)) == 250)

            assert noted(beta) == list(range(250))
            await until(lambda: _holds(database, 0))


async def _holds(database: Database, count: int) -> bool:
    return len(await database.read(owed)) == count


async def test_events_that_are_more_than_one_body_together_arrive_in_several(tmp_path: Path, auth_url: str) -> None:
    beta = create_example("beta", tmp_path, auth_url)  # takes two megabytes at a time
    with serve(beta) as url:
        async with sender(tmp_path, url) as (database, outbox):
            await database.write(lambda tx: [owe(outbox, number, text="x" * 300_000)(tx) for number in range(12)])
            await until(lambda: len(noted(beta)) == 12)

    assert noted(beta) == list(range(12))


async def test_an_event_of_a_write_that_failed_is_never_sent(tmp_path: Path, auth_url: str) -> None:
    def fail(tx: Transaction) -> None:
        owe(outbox, 1)(tx)
        raise ValueError("no")

    with serve(create_example("beta", tmp_path, auth_url)) as url:
        async with sender(tmp_path, url) as (database, outbox):
            with pytest.raises(ValueError, match="no"):
                await database.write(fail)

            assert await database.read(owed) == []


async def test_a_consumer_that_is_down_gets_everything_when_it_is_back(tmp_path: Path, auth_url: str) -> None:
    with serve(create_example("beta", tmp_path / "probe", auth_url)) as url:
        port = int(url.rsplit(":", 1)[1])
    async with sender(tmp_path, url) as (database, outbox):
        for number in range(3):
            await database.write(owe(outbox, number))
        await asyncio.sleep(0.2)
        tries_while_down = [row["tries"] for row in await database.read(owed)]
        beta = create_example("beta", tmp_path, auth_url)
        with serve(beta, port):
            await until(lambda: len(noted(beta)) == 3)
            arrived = noted(beta)

    assert tries_while_down == [0, 0, 0]
    assert arrived == [0, 1, 2]


async def test_a_refused_event_holds_back_its_own_key_only(tmp_path: Path, auth_url: str) -> None:
    beta = create_example("beta", tmp_path, auth_url)
    with serve(beta) as url:
        async with sender(tmp_path, url) as (database, outbox):
            await database.write(owe(outbox, 1, "bad", refuse=True))
            await database.write(owe(outbox, 2, "bad"))
            await database.write(owe(outbox, 3, "good"))
            await until(lambda: noted(beta) == [3])
            await until(lambda: _holds(database, 2))
            rows = await database.read(owed)

    assert [(row["tries"] > 0, row["refusal"]) for row in rows] == [(True, "invalid_request"), (False, None)]
    assert [row["parked_at"] for row in rows] == [None, None]


async def _was_refused(database: Database) -> bool:
    return any(row["tries"] for row in await database.read(owed))


async def test_after_ten_refusals_an_event_is_parked_and_the_next_of_its_key_goes_on(
    tmp_path: Path, auth_url: str
) -> None:
    beta = create_example("beta", tmp_path, auth_url)
    with serve(beta) as url:
        async with sender(tmp_path, url) as (database, outbox):
            await database.write(owe(outbox, 1, "bad", refuse=True))
            await database.write(owe(outbox, 2, "bad"))
            await until(lambda: _was_refused(database))
            await database.write(lambda tx: tx.run("update outbox set tries = 9, next_try_at = 0 where tries > 0"))
            await until(lambda: noted(beta) == [2])
            await until(lambda: _holds(database, 1))
            rows = await database.read(owed)

    assert [(row["tries"], row["parked_at"] is not None) for row in rows] == [(10, True)]


def deliver(url: str, events: list[Event], secret: str = SECRET.get_secret_value()) -> httpx.Response:
    headers = {"authorization": f"Bearer {service_token('alpha', 'beta', secret)}"}
    body = {"events": [event.model_dump() for event in events]}
    return httpx.post(f"{url}/internal/events", json=body, headers=headers)


async def test_a_second_delivery_changes_nothing_and_an_unknown_kind_is_refused(tmp_path: Path, auth_url: str) -> None:
    event = Event(id="evt_1", kind="noted", key="k", created_at=1.0, data={"number": 1})
    unknown = event.model_copy(update={"id": "evt_2", "kind": "sung"})
    behind = event.model_copy(update={"id": "evt_3"})
    beta = create_example("beta", tmp_path, auth_url)
    with serve(beta) as url:
        first = deliver(url, [event]).json()
        second = deliver(url, [event, unknown, behind]).json()
        applied = noted(beta)

    assert [outcome["outcome"] for outcome in first["outcomes"]] == ["applied"]
    assert [outcome["outcome"] for outcome in second["outcomes"]] == ["duplicate", "refused", "held"]
    assert second["outcomes"][1]["code"] == "unknown_event"
    assert applied == [1]


async def test_ids_are_forgotten_when_nobody_repeats_them_any_more(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    event = Event(id="evt_1", kind="noted", key="k", created_at=now, data={"number": 1})
    with Database(tmp_path / "beta", [INBOX]) as database:
        inbox = Inbox(database, {"noted": note}, clock=lambda: now)
        await inbox.receive([event])

        kept = await inbox.forget_old()
        later = Inbox(database, {"noted": note}, clock=lambda: now + 91 * 86_400)
        dropped = await later.forget_old()

    assert (kept, dropped) == (0, 1)


async def test_an_inbox_that_cannot_forget_goes_on_and_ends_as_usual(tmp_path: Path) -> None:
    with Database(tmp_path / "beta", [INBOX]) as database:
        await database.write(lambda tx: tx.run("alter table inbox rename to elsewhere"))

        async with Inbox(database, {"noted": note}) as inbox:
            for _ in range(3):  # writes take place in the order in which they come: one after its first attempt
                await database.write(lambda tx: None)
            await database.write(lambda tx: tx.run("alter table elsewhere rename to inbox"))
            forgotten = await inbox.forget_old()

    assert forgotten == 0


async def test_events_are_taken_from_the_named_services_only(tmp_path: Path, auth_url: str) -> None:
    event = Event(id="evt_1", kind="noted", key="k", created_at=1.0, data={"number": 1})
    with serve(create_example("beta", tmp_path, auth_url)) as url:
        assert deliver(url, [event], secret="w" * 40).status_code == 401
        assert httpx.post(f"{url}/internal/events", json={"events": []}).status_code == 401


async def test_what_is_still_owed_can_be_rewritten_or_dropped(tmp_path: Path) -> None:
    def rewrite(data: dict[str, Any]) -> dict[str, Any] | None:
        renamed = {"anna": None, "guest": {**data, "owner": "clara"}}
        return renamed.get(data["owner"], data)

    def pending(tx: Transaction) -> list[dict[str, Any]]:
        return [json.loads(row["data"]) for row in tx.all("select data from outbox order by sequence")]

    async with sender(tmp_path, "http://127.0.0.1:1") as (database, outbox):
        owners = ["anna", "boris", "guest"]
        await database.write(lambda tx: [owe(outbox, n, owner=owners[n % 3])(tx) for n in range(300)])
        others = await database.write(lambda tx: rewrite_pending(tx, "gamma", rewrite))
        changed = await database.write(lambda tx: rewrite_pending(tx, "beta", rewrite))
        left = await database.read(pending)

    assert (others, changed) == (0, 200)
    assert left == [{"number": n, "owner": ("", "boris", "clara")[n % 3]} for n in range(300) if n % 3]


async def test_events_of_a_busy_time_share_deliveries_and_the_first_one_does_not_wait(tmp_path: Path) -> None:
    async def receive(request: Request) -> JSONResponse:
        events = (await request.json())["events"]
        deliveries.append([event["data"]["number"] for event in events])
        return JSONResponse({"outcomes": [{"id": event["id"], "outcome": "applied"} for event in events]})

    deliveries: list[list[int]] = []
    with serve(Starlette(routes=[Route(EVENTS_PATH, receive, methods=["POST"])])) as url:
        async with sender(tmp_path, url) as (database, outbox):
            await database.write(owe(outbox, 0))
            await until(lambda: deliveries)
            for number in range(1, 30):
                await database.write(owe(outbox, number))
                await asyncio.sleep(0.01)
            await until(lambda: [number for each in deliveries for number in each] == list(range(30)))

    assert deliveries[0] == [0]
    assert len(deliveries) < 15
