"""Users' own keys behind the routes: what is remembered of them, and for how long; secrets that change."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.database import Database
from chassis.migrations import OWNERS, package_migrations
from chat_service.clients.model import Model
from chat_service.key_vault import KeyVault
from chat_service.problems import ProviderKeyUnreadable
from chat_service.provider_keys import REMEMBERED_SECONDS, RENEWED_AT_ONCE, ProviderKeys
from chat_service.settings import Settings
from chat_service.stores.provider_keys import ProviderKeyRows, StoredKey

PRESENT, PREVIOUS = "present " * 5, "previous " * 5
LISTED = [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]"]


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("chat_service"), OWNERS]) as opened:
        yield opened


@pytest.fixture
async def model(provider: Any) -> AsyncIterator[Model]:
    """One whose provider accepts every key."""
    provider.plays(LISTED)
    async with Model(Settings(together_base_url=provider.url)) as opened:
        yield opened


async def stored(database: Database, owner: str, vault: KeyVault, key: str) -> None:
    row = StoredKey(owner, vault.seal(key, owner), key[-4:], 1.0)
    await database.write(lambda tx: ProviderKeyRows(tx).put(row))


async def test_a_key_is_remembered_for_a_while_and_then_looked_up_again(
    database: Database, model: Model, watch: Watch
) -> None:
    vault = KeyVault([PRESENT])
    keys = ProviderKeys(database, model, vault, watch)
    await stored(database, "user_1", vault, "the-first-key")

    first = await keys.of("user_1")
    await stored(database, "user_1", vault, "the-second-key")  # by another process, say
    watch.now += REMEMBERED_SECONDS - 1
    soon = await keys.of("user_1")
    watch.now += 1
    later = await keys.of("user_1")

    assert (first, soon, later) == ("the-first-key", "the-first-key", "the-second-key")


async def test_that_somebody_has_none_is_remembered_too(database: Database, model: Model, watch: Watch) -> None:
    vault = KeyVault([PRESENT])
    keys = ProviderKeys(database, model, vault, watch)

    assert await keys.of("user_1") is None
    await stored(database, "user_1", vault, "the-first-key")

    assert await keys.of("user_1") is None


async def test_no_call_after_a_change_goes_by_what_was_there_before(
    database: Database, model: Model, watch: Watch
) -> None:
    keys = ProviderKeys(database, model, KeyVault([PRESENT]), watch)

    for number in range(30):
        await asyncio.gather(keys.put("user_1", f"the-key-{number}"), *(keys.of("user_1") for _ in range(20)))
        assert await keys.of("user_1") == f"the-key-{number}"
        await asyncio.gather(keys.remove("user_1"), *(keys.of("user_1") for _ in range(20)))
        assert await keys.of("user_1") is None


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    database: Database, model: Model, watch: Watch
) -> None:
    vault = KeyVault([PRESENT])
    keys = ProviderKeys(database, model, vault, watch)
    await stored(database, "user_1", vault, "the-first-key")

    looking = asyncio.create_task(keys.of("user_1"))
    await asyncio.sleep(0)  # it reads now
    keys.forget("user_1")

    assert await looking == "the-first-key"
    await stored(database, "user_1", vault, "the-second-key")
    assert await keys.of("user_1") == "the-second-key"


async def test_who_was_remembered_longest_ago_makes_room(database: Database, model: Model, watch: Watch) -> None:
    vault = KeyVault([PRESENT])
    keys = ProviderKeys(database, model, vault, watch, most_remembered=2)

    for owner in ("user_1", "user_2", "user_3"):
        assert await keys.of(owner) is None
        await stored(database, owner, vault, f"key-of-{owner}")  # behind its back

    assert await keys.of("user_3") is None
    assert await keys.of("user_1") == "key-of-user_1"


async def test_a_secret_is_needed_no_more_once_everything_was_sealed_anew(
    database: Database, model: Model, watch: Watch
) -> None:
    owners = [f"user_{number:04}" for number in range(RENEWED_AT_ONCE + 3)]
    for owner in owners:
        await stored(database, owner, KeyVault([PREVIOUS]), f"key-of-{owner}")

    await ProviderKeys(database, model, KeyVault([PRESENT, PREVIOUS]), watch).renew()

    later = ProviderKeys(database, model, KeyVault([PRESENT]), watch)
    assert [await later.of(owner) for owner in owners] == [f"key-of-{owner}" for owner in owners]
    described = await later.find(owners[0])
    assert described is not None
    assert (described.last_four, described.created_at) == ("0000", 1.0)


async def test_a_record_whose_secret_is_lost_stands_in_nobodys_way(
    database: Database, model: Model, watch: Watch
) -> None:
    await stored(database, "user_1", KeyVault(["lost " * 8]), "out-of-reach")
    await stored(database, "user_2", KeyVault([PREVIOUS]), "within-reach")
    keys = ProviderKeys(database, model, KeyVault([PRESENT, PREVIOUS]), watch)

    await keys.renew()

    assert await keys.of("user_2") == "within-reach"
    with pytest.raises(ProviderKeyUnreadable):
        await keys.of("user_1")
