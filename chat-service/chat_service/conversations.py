"""Conversations: opened, listed, described by their metadata, read item by item, deleted for good."""

import asyncio

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.outbox import Outbox
from chassis.owners import Owners
from chassis.pages import PageQuery
from chat_service.generation import Generations
from chat_service.problems import ConversationNotFound, ItemNotFound
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses


class ConversationBook:
    """Conversations of users. A foreign conversation and a missing one raise the same `ConversationNotFound`.

    For a user who is gone nothing is changed: `Unauthenticated`.
    """

    def __init__(self, database: Database, generations: Generations, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._generations = generations
        self._outbox = outbox
        self._clock = clock

    async def open(self, owner: str, metadata: dict[str, str]) -> StoredConversation:
        """A new, empty conversation."""
        now = self._clock()
        conversation = StoredConversation(
            id=new_id("conv"), owner=owner, metadata=metadata, tip_id=None, created_at=now, updated_at=now
        )

        def write(tx: Transaction) -> None:
            Owners(tx).refuse_departed(owner)
            Conversations(tx).add(conversation)

        await self._database.write(write)
        return conversation

    async def find(self, owner: str, conversation_id: str) -> StoredConversation:
        """One conversation."""
        return await self._database.read(lambda tx: _owned(tx, owner, conversation_id))

    async def page(self, owner: str, page: PageQuery) -> list[StoredConversation]:
        """Up to `limit + 1` conversations, by age."""
        return await self._database.read(lambda tx: Conversations(tx).page(owner, page))

    async def describe(self, owner: str, conversation_id: str, metadata: dict[str, str]) -> StoredConversation:
        """Replaces the metadata."""

        def write(tx: Transaction) -> StoredConversation:
            Owners(tx).refuse_departed(owner)
            Conversations(tx).set_metadata(owner, conversation_id, metadata)
            return _owned(tx, owner, conversation_id)

        return await self._database.write(write)

    async def items(self, owner: str, conversation_id: str, page: PageQuery) -> list[Item]:
        """Up to `limit + 1` items of the active branch."""

        def read(tx: Transaction) -> list[Item]:
            tip_id = _owned(tx, owner, conversation_id).tip_id
            after = Items(tx).place(conversation_id, page.after) if page.after else None
            if page.after and after is None:
                raise ItemNotFound(param="after")
            return Items(tx).page_of_path(tip_id, page, after) if tip_id else []

        return await self._database.read(read)

    async def item(self, owner: str, conversation_id: str, item_id: str) -> Item:
        """One item, on whatever branch."""

        def read(tx: Transaction) -> Item | None:
            return Items(tx).find(_owned(tx, owner, conversation_id).id, item_id)

        if item := await self._database.read(read):
            return item
        raise ItemNotFound(param="item_id")

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Deletes all of it, here at once and in memory as soon as the event arrives; stops what runs in it."""

        def write(tx: Transaction) -> list[str]:
            Owners(tx).refuse_departed(owner)
            running = Responses(tx).running_in(_owned(tx, owner, conversation_id).id)
            Conversations(tx).delete(owner, conversation_id)
            data = {"owner": owner, "conversation_id": conversation_id}
            self._outbox.put(tx, to="memory", kind="conversation.deleted", key=conversation_id, data=data)
            return running

        running = await self._database.write(write, frees_space=True)
        await asyncio.gather(*(self._generations.stop(response_id) for response_id in running))


def _owned(tx: Transaction, owner: str, conversation_id: str) -> StoredConversation:
    conversation = Conversations(tx).find(owner, conversation_id)
    if conversation is None:
        raise ConversationNotFound()
    return conversation
