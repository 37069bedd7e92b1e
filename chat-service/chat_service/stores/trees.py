"""The `responses` table as what it is in a conversation: a tree of turns, one branch of which is active."""

from dataclasses import dataclass
from typing import Any

from chassis.database import Row, Transaction
from chassis.pages import PageQuery
from chat_service.stores.responses import Status

BRANCH = """
    with recursive path (id, parent_id, depth) as (
        select id, parent_id, depth from responses where id = :tip and depth >= :from_depth
        union all
        select parent.id, parent.parent_id, parent.depth
          from path join responses as parent on parent.id = path.parent_id
         where parent.depth >= :from_depth
    )
    select id from path
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A turn's place in its conversation; `preview` holds the first words of the user in it."""

    id: str
    parent_id: str | None
    depth: int
    status: Status
    model: str
    created_at: float
    is_deleted: bool
    preview: str | None


class Trees:
    """The turns of conversations that are known to be their owner's."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def holds(self, conversation_id: str, response_id: str) -> bool:
        """Whether it is a turn of that conversation, or what is left of one."""
        found = self._tx.one(
            "select 1 from responses where id = ? and conversation_id = ? and stored", response_id, conversation_id
        )
        return found is not None

    def page(self, conversation_id: str, page: PageQuery) -> list[Node]:
        """Up to `limit + 1` turns on all branches, by age."""
        comes_later, direction = ("<", "desc") if page.order == "desc" else (">", "asc")
        beyond = f" and id {comes_later} :after" if page.after else ""
        rows = self._tx.all(
            "select id, parent_id, depth, status, model, created_at, deleted_at is not null as is_deleted, preview"  # noqa: S608
            f"  from responses where conversation_id = :conversation_id and stored{beyond}"
            f" order by id {direction} limit :limit",
            conversation_id=conversation_id,
            after=page.after,
            limit=page.limit + 1,
        )
        return [_node(row) for row in rows]

    def branch(self, tip_id: str, from_depth: int) -> set[str]:
        """The turns on the path that ends at `tip_id`, those less deep left out."""
        return {row["id"] for row in self._tx.all(BRANCH, tip=tip_id, from_depth=from_depth)}


def _node(row: Row) -> Node:
    values: dict[str, Any] = {**row, "is_deleted": bool(row["is_deleted"])}
    return Node(**values)
