"""Owners that depart: merged into an account or erased, each once, in any order, also across a crash."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from chassis.app import create_app
from chassis.database import Database, Transaction
from chassis.identity import Identity, RemoteKeys
from chassis.migrations import OWNERS, Migrations
from chassis.neighbours import neighbour_client
from chassis.owners import ERASE_PATH, MERGE_PATH, Counts, Estates, Owners, owners_router
from chassis.problems import Unauthenticated
from chassis.settings import ServiceSettings
from chassis.testing import FakeAuth, serve, service_token

SECRETS = {
    "auth": SecretStr("a-secret-of-auth-and-the-letters"),
    "alpha": SecretStr("a-secret-of-another-neighbour-00"),
}
CANARY = "xylocanary"


class Letters:
    """Example holdings: letters in rows, and one file of attachments for each owner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def attachments(self, owner: str) -> Path:
        return self._folder / f"attachments-of-{owner}"

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        return {"letters": tx.run("update letter set owner = ? where owner = ?", into, owner)}

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        tx.run("update postage set owner = ? where owner = ?", pseudonym, owner)
        return {"letters": tx.run("delete from letter where owner = ?", owner)}

    async def erased(self, owner: str) -> None:
        self.attachments(owner).unlink(missing_ok=True)


class Post:
    """The running example, as auth sees it, with a look at its rows."""

    def __init__(self, app: FastAPI, url: str, folder: Path) -> None:
        self.url = url
        self.database: Database = app.state.database
        self.letters: Letters = app.state.letters
        self._folder = folder

    def tell(self, path: str, caller: str = "auth", secret: str = "auth", **body: str) -> httpx.Response:
        token = service_token(caller, "post", SECRETS[secret].get_secret_value())
        headers = {"authorization": f"Bearer {token}"}
        return httpx.post(self.url + path, json=body, headers=headers, trust_env=False)

    def merge(self, owner: str, into: str) -> httpx.Response:
        return self.tell(MERGE_PATH, owner=owner, into=into)

    def erase(self, owner: str, pseudonym: str) -> httpx.Response:
        return self.tell(ERASE_PATH, owner=owner, pseudonym=pseudonym)

    async def write_letters(self, owner: str, count: int = 1) -> None:
        def write(tx: Transaction) -> None:
            for _ in range(count):
                tx.run("insert into letter (owner, text) values (?, ?)", owner, f"Dear {CANARY}")
                tx.run("insert into postage (owner, cents) values (?, 95)", owner)

        await self.database.write(write)

    async def letters_of(self, owner: str) -> int:
        count = "select count(*) from letter where owner = ?"
        return await self.database.read(lambda tx: tx.value(count, owner))

    async def postage_of(self, owner: str) -> int:
        cents = "select coalesce(sum(cents), 0) from postage where owner = ?"
        return await self.database.read(lambda tx: tx.value(cents, owner))

    async def present(self, owner: str) -> str:
        return await self.database.read(lambda tx: Owners(tx).present(owner))

    def files_with_canary(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if path.is_file() and CANARY.encode() in path.read_bytes()]


def create_post(folder: Path, migrations: Migrations, auth_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with neighbour_client() as http:
            with Database(folder, [OWNERS, migrations]) as database:
                app.state.identity = Identity("post", RemoteKeys(auth_url, http), SECRETS)
                app.state.database = database
                app.state.letters = Letters(folder)
                app.state.estates = Estates(database, app.state.letters)
                app.state.ready = database.ready
                yield

    return create_app("post", ServiceSettings(), routers=[owners_router()], lifespan=lifespan)


class Office:
    """`async with office.open() as post` serves the example, again and again on the same data."""

    def __init__(self, folder: Path, migrations: Migrations, auth_url: str) -> None:
        self._folder = folder
        self._migrations = migrations
        self._auth_url = auth_url

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        app = create_post(self._folder, self._migrations, self._auth_url)
        with serve(app) as url:
            yield Post(app, url, self._folder)


@pytest.fixture
def office(tmp_path: Path, auth_url: str) -> Office:
    scripts = tmp_path / "migrations"
    scripts.mkdir()
    tables = "create table letter (owner text, text text); create table postage (owner text, cents integer);"
    (scripts / "0001_letters.sql").write_text(tables)
    return Office(tmp_path / "post", Migrations("post", scripts), auth_url)


@pytest.fixture
async def post(office: Office) -> AsyncIterator[Post]:
    async with office.open() as post:
        yield post


async def test_a_merged_owners_rows_become_those_of_the_account(post: Post) -> None:
    await post.write_letters("guest", 3)

    answer = post.merge("guest", "anna")

    assert (answer.status_code, answer.json()) == (200, {"counts": {"letters": 3}})
    assert (await post.letters_of("guest"), await post.letters_of("anna")) == (0, 3)
    assert await post.present("guest") == "anna"
    assert post.files_with_canary() != []


async def test_a_decision_that_arrives_again_counts_the_same_and_takes_no_second_effect(post: Post) -> None:
    await post.write_letters("guest", 2)
    merged = post.merge("guest", "anna").json()
    await post.write_letters("guest")  # such a row must not come about; if it does, a repetition leaves it alone

    again = post.merge("guest", "anna").json()
    erased = post.erase("anna", "gone").json()
    erased_again = post.erase("anna", "gone").json()

    assert again == merged == {"counts": {"letters": 2}}
    assert erased_again == erased == {"counts": {"letters": 2}}
    assert await post.letters_of("guest") == 1


async def test_an_owner_departs_once(post: Post) -> None:
    post.merge("guest", "anna")
    post.erase("boris", "gone")

    conflicts = [
        post.merge("guest", "clara"),
        post.erase("guest", "gone"),
        post.erase("guest", "anna"),
        post.merge("boris", "anna"),
        post.merge("boris", "gone"),
        post.erase("boris", "gone too"),
    ]

    assert [answer.status_code for answer in conflicts] == [409] * 6
    assert {answer.json()["code"] for answer in conflicts} == {"owner_departed_otherwise"}
    assert [await post.present(owner) for owner in ("guest", "boris")] == ["anna", "gone"]


async def test_what_a_guest_brought_goes_with_the_account_and_leads_to_its_pseudonym(post: Post) -> None:
    def standing(tx: Transaction) -> list[tuple[str, bool]]:
        return [(Owners(tx).present(name), Owners(tx).is_erased(name)) for name in ("guest", "anna", "gone", "boris")]

    await post.write_letters("guest")
    post.merge("guest", "anna")
    merged = await post.database.read(standing)

    counts = post.erase("anna", "gone").json()["counts"]

    assert merged == [("anna", False), ("anna", False), ("gone", False), ("boris", False)]
    assert await post.database.read(standing) == [("gone", True), ("gone", True), ("gone", False), ("boris", False)]
    assert counts == {"letters": 1}
    assert await post.letters_of("anna") == 0


async def test_a_guest_merged_into_an_account_that_was_erased_meanwhile_is_erased_too(post: Post) -> None:
    await post.write_letters("guest", 2)
    post.letters.attachments("guest").write_text(CANARY)
    post.erase("anna", "gone")

    counts = post.merge("guest", "anna").json()["counts"]

    assert counts == {"letters": 2}
    assert (await post.letters_of("guest"), await post.letters_of("anna"), await post.letters_of("gone")) == (0, 0, 0)
    assert await post.postage_of("gone") == 190
    assert await post.present("guest") == "gone"
    assert post.files_with_canary() == []


async def test_a_guest_merged_into_a_guest_that_was_merged_ends_with_the_account(post: Post) -> None:
    await post.write_letters("first guest")
    post.merge("second guest", "anna")

    post.merge("first guest", "second guest")

    assert (await post.letters_of("anna"), await post.present("first guest")) == (1, "anna")


async def test_no_decision_can_make_a_circle(post: Post) -> None:
    post.merge("guest", "anna")
    post.erase("boris", "gone")

    refused = [
        post.merge("clara", "clara"),
        post.erase("clara", "clara"),
        post.merge("anna", "guest"),
        post.erase("anna", "guest"),
        post.merge("gone", "boris"),
    ]

    assert [answer.status_code for answer in refused] == [409] * 5
    assert {answer.json()["code"] for answer in refused} == {"owner_departed_otherwise"}
    assert [await post.present(owner) for owner in ("clara", "anna", "gone")] == ["clara", "anna", "gone"]


async def test_nothing_of_an_erased_owner_stays_in_any_file_while_the_service_runs(post: Post) -> None:
    await post.write_letters("anna", 50)
    post.letters.attachments("anna").write_text(CANARY)
    assert set(post.files_with_canary()) >= {"data.sqlite3-wal", "attachments-of-anna"}

    post.erase("anna", "gone")

    assert post.files_with_canary() == []
    assert (await post.postage_of("anna"), await post.postage_of("gone")) == (0, 50 * 95)


async def test_an_erasure_that_was_cut_off_is_finished_by_its_repetition(office: Office) -> None:
    async with office.open() as post:
        await post.write_letters("anna")
        post.letters.attachments("anna").mkdir()  # cannot be unlinked
        cut_off = post.erase("anna", "gone")
        rows_left = await post.letters_of("anna")
        post.letters.attachments("anna").rmdir()
        post.letters.attachments("anna").write_text(CANARY)

    async with office.open() as post:
        repeated = post.erase("anna", "gone")

        assert (cut_off.status_code, rows_left) == (500, 0)
        assert (repeated.status_code, repeated.json()) == (200, {"counts": {"letters": 1}})
        assert post.files_with_canary() == []


async def test_holdings_that_fail_leave_everything_as_it_was(post: Post) -> None:
    await post.write_letters("anna")
    await post.database.write(lambda tx: tx.run("alter table postage rename to elsewhere"))

    failed = post.erase("anna", "gone")
    await post.database.write(lambda tx: tx.run("alter table elsewhere rename to postage"))
    before = (await post.letters_of("anna"), await post.present("anna"))
    repeated = post.erase("anna", "gone")

    assert (failed.status_code, before) == (500, (1, "anna"))
    assert (repeated.json(), await post.letters_of("anna")) == ({"counts": {"letters": 1}}, 0)


async def test_a_departed_owners_token_changes_nothing_any_more(post: Post) -> None:
    def write_for(owner: str):
        return lambda tx: Owners(tx).refuse_departed(owner)

    post.merge("guest", "anna")
    post.erase("boris", "gone")

    await post.database.write(write_for("anna"))
    for owner in ("guest", "boris"):
        with pytest.raises(Unauthenticated):
            await post.database.write(write_for(owner))


async def test_only_auth_decides(post: Post, auth: FakeAuth) -> None:
    await post.write_letters("anna")
    body = {"owner": "anna", "pseudonym": "gone"}

    answers = [
        post.tell(ERASE_PATH, caller="alpha", secret="alpha", **body),
        post.tell(ERASE_PATH, caller="auth", secret="alpha", **body),
        httpx.post(post.url + ERASE_PATH, json=body, headers=auth.headers("anna"), trust_env=False),
        httpx.post(post.url + MERGE_PATH, json={"owner": "anna", "into": "mallory"}, trust_env=False),
    ]

    assert [answer.status_code for answer in answers] == [403, 401, 401, 401]
    assert await post.letters_of("anna") == 1


async def test_a_decision_without_both_names_is_refused(post: Post) -> None:
    answers = [
        post.tell(MERGE_PATH, owner="guest"),
        post.tell(MERGE_PATH, owner="guest", into=""),
        post.tell(ERASE_PATH, owner="", pseudonym="gone"),
        post.tell(ERASE_PATH, owner="anna", pseudonym="gone", into="boris"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 400]
