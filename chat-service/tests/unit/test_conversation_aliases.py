"""Other programs' names for conversations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.database import Database, Transaction
from chassis.migrations import package_migrations
from chat_service.places import new_conversation
from chat_service.stores.conversation_aliases import ConversationAliases
from chat_service.stores.conversations import Conversations


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("chat_service")]) as database:
        yield database


def opened(tx: Transaction, owner: str, alias: str) -> str:
    conversation = new_conversation(owner, 1.0)
    Conversations(tx).add(conversation)
    ConversationAliases(tx).add(owner, alias, conversation.id)
    return conversation.id


async def test_a_name_belongs_to_its_owner(database: Database) -> None:
    mine = await database.write(lambda tx: opened(tx, "me", "a"))
    theirs = await database.write(lambda tx: opened(tx, "they", "a"))

    found = await database.read(lambda tx: [ConversationAliases(tx).find(owner, "a") for owner in ("me", "they", "x")])

    assert found == [mine, theirs, None]


async def test_a_name_goes_with_its_conversation(database: Database) -> None:
    conversation_id = await database.write(lambda tx: opened(tx, "me", "a"))

    await database.write(lambda tx: Conversations(tx).delete("me", conversation_id))

    assert await database.read(lambda tx: ConversationAliases(tx).find("me", "a")) is None


async def test_an_account_keeps_its_own_name_where_its_guest_has_the_same(database: Database) -> None:
    own = await database.write(lambda tx: opened(tx, "account", "a"))
    await database.write(lambda tx: opened(tx, "guest", "a"))
    other = await database.write(lambda tx: opened(tx, "guest", "b"))

    given = await database.write(lambda tx: ConversationAliases(tx).give("guest", "account"))

    found = await database.read(lambda tx: [ConversationAliases(tx).find("account", alias) for alias in ("a", "b")])
    assert (given, found) == (1, [own, other])
    assert await database.read(lambda tx: ConversationAliases(tx).find("guest", "a")) is None


async def test_an_erased_owner_leaves_no_name(database: Database) -> None:
    await database.write(lambda tx: opened(tx, "me", "a"))
    await database.write(lambda tx: opened(tx, "they", "a"))

    erased = await database.write(lambda tx: ConversationAliases(tx).erase_all("me"))

    left = await database.read(lambda tx: tx.all("select owner from conversation_aliases"))
    assert (erased, left) == (1, [{"owner": "they"}])
