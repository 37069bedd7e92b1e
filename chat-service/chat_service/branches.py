"""Branches of conversations: what was said on the active one, and the tree that all of them make."""

from dataclasses import dataclass

from chassis.database import Database, Transaction
from chassis.pages import PageQuery
from chat_service.ownership import owned_conversation
from chat_service.problems import ItemNotFound, ResponseNotFound
from chat_service.stores.items import Item, Items
from chat_service.stores.trees import Node, Trees


@dataclass(frozen=True)
class PlacedNode:
    """A turn in the tree, and whether it is on the active branch."""

    node: Node
    is_active: bool


class Branches:
    """Read for users. A foreign conversation and a missing one raise the same `ConversationNotFound`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def items(self, owner: str, conversation_id: str, page: PageQuery) -> list[Item]:
        """Up to `limit + 1` items of the active branch."""

        def read(tx: Transaction) -> list[Item]:
            tip_id = owned_conversation(tx, owner, conversation_id).tip_id
            after = Items(tx).place(conversation_id, page.after) if page.after else None
            if page.after and after is None:
                raise ItemNotFound(param="after")
            return Items(tx).page_of_path(tip_id, page, after) if tip_id else []

        return await self._database.read(read)

    async def item(self, owner: str, conversation_id: str, item_id: str) -> Item:
        """One item, on whatever branch."""

        def read(tx: Transaction) -> Item | None:
            return Items(tx).find(owned_conversation(tx, owner, conversation_id).id, item_id)

        if item := await self._database.read(read):
            return item
        raise ItemNotFound(param="item_id")

    async def tree(self, owner: str, conversation_id: str, page: PageQuery) -> list[PlacedNode]:
        """Up to `limit + 1` turns on all branches, empty nodes included. Raises `ResponseNotFound` for `after`."""

        def read(tx: Transaction) -> list[PlacedNode]:
            tip_id = owned_conversation(tx, owner, conversation_id).tip_id
            if page.after and not Trees(tx).holds(conversation_id, page.after):
                raise ResponseNotFound(param="after")
            nodes = Trees(tx).page(conversation_id, page)
            from_depth = min((node.depth for node in nodes), default=0)
            active = Trees(tx).branch(tip_id, from_depth) if tip_id else set()
            return [PlacedNode(node, node.id in active) for node in nodes]

        return await self._database.read(read)
