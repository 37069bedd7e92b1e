"""The `items` table: what went into a turn and what came out, in OpenAI's shape."""

from collections.abc import Sequence
from typing import Any, Literal

import orjson

from chassis.database import Row, Transaction
from chassis.pages import PageQuery

Item = dict[str, Any]
Origin = Literal["input", "output"]

# Newest first: walks back until there are items enough, past the empty nodes that deleted turns left.
# `cross join` has the path looked at first: SQLite would read the items of everybody instead.
BACKWARDS = """
    with recursive path (id, parent_id, depth, found) as (
        select id, parent_id, depth,
               (select count(*) from items where response_id = :newest and position < :before)
          from responses where id = :newest
        union all
        select parent.id, parent.parent_id, parent.depth,
               path.found + (select count(*) from items where response_id = parent.id)
          from path join responses as parent on parent.id = path.parent_id
         where path.found < :limit
    )
    select items.body from path cross join items on items.response_id = path.id
     where path.id <> :newest or items.position < :before
     order by path.depth desc, items.position desc limit :limit
"""
# Oldest first: the path is only known from its end, but no more turns are read than the page needs.
FORWARDS = """
    with recursive path (id, parent_id, depth) as (
        select id, parent_id, depth from responses where id = :tip
        union all
        select parent.id, parent.parent_id, parent.depth
          from path join responses as parent on parent.id = path.parent_id
         where parent.depth >= :from_depth
    ),
    turns (id, depth) as (
        select id, depth from path
         where exists (select 1 from items
                        where items.response_id = path.id
                          and (path.depth > :from_depth or items.position > :after_position))
         order by depth limit :limit
    )
    select items.body from turns join items on items.response_id = turns.id
     where turns.depth > :from_depth or items.position > :after_position
     order by turns.depth, items.position limit :limit
"""
BEYOND_ANY_POSITION = 2**31


class Items:
    """Items of any owner; those a user names are found through the conversation or response, which has an owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, response_id: str, origin: Origin, items: Sequence[Item]) -> None:
        """Appends items to a response."""
        count = self._tx.value("select count(*) from items where response_id = ?", response_id)
        for position, item in enumerate(items, count):
            self._tx.run(
                "insert into items (id, response_id, position, origin, body) values (?, ?, ?, ?, ?)",
                item["id"],
                response_id,
                position,
                origin,
                orjson.dumps(item).decode(),
            )

    def of(self, response_id: str, origin: Origin | None = None) -> list[Item]:
        """The items of a response in their order."""
        rows = self._tx.all(
            "select body from items where response_id = :id and (:origin is null or origin = :origin)"
            " order by position",
            id=response_id,
            origin=origin,
        )
        return _bodies(rows)

    def find(self, conversation_id: str, item_id: str) -> Item | None:
        """One item of a conversation, on whatever branch."""
        row = self._tx.one(
            "select items.body from items join responses on responses.id = items.response_id"
            " where items.id = ? and responses.conversation_id = ?",
            item_id,
            conversation_id,
        )
        return orjson.loads(row["body"]) if row else None

    def owned(self, owner: str, item_id: str) -> Item | None:
        """One item of the owner's stored responses."""
        row = self._tx.one(
            "select items.body from items join responses on responses.id = items.response_id"
            " where items.id = ? and responses.owner = ? and responses.stored",
            item_id,
            owner,
        )
        return orjson.loads(row["body"]) if row else None

    def place(self, conversation_id: str, item_id: str) -> Row | None:
        """Where an item stands: `response_id`, `depth` and `position`; its `origin` and `kind`."""
        return self._tx.one(
            "select responses.id as response_id, responses.depth, items.position, items.origin,"
            "       json_extract(items.body, '$.type') as kind"
            " from items join responses on responses.id = items.response_id"
            " where items.id = ? and responses.conversation_id = ?",
            item_id,
            conversation_id,
        )

    def delete(self, item_id: str) -> None:
        """Deletes one item; the others keep their positions."""
        self._tx.run("delete from items where id = ?", item_id)

    def delete_of(self, response_id: str) -> None:
        """Deletes all items of a response."""
        self._tx.run("delete from items where response_id = ?", response_id)

    def page_of_path(self, tip_id: str, page: PageQuery, after: Row | None) -> list[Item]:
        """Up to `limit + 1` items on the path that ends at `tip_id`, beyond the place `after`."""
        limit = page.limit + 1
        if page.order == "desc":
            newest = after["response_id"] if after else tip_id
            before = after["position"] if after else BEYOND_ANY_POSITION
            return _bodies(self._tx.all(BACKWARDS, newest=newest, before=before, limit=limit))
        from_depth, after_position = (after["depth"], after["position"]) if after else (0, -1)
        return _bodies(
            self._tx.all(FORWARDS, tip=tip_id, from_depth=from_depth, after_position=after_position, limit=limit)
        )


def _bodies(rows: list[Row]) -> list[Item]:
    return [orjson.loads(row["body"]) for row in rows]
