"""The `responses` table: the turns of all conversations. How they hang together is in `trees`."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from chassis.database import Row, Transaction

Status = Literal["in_progress", "completed", "incomplete", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """One row. `request` holds the parameters the response repeats; `receipt` says what went to the model.

    A deleted one stays as an empty node. `preview` holds the first words of the user in it.
    """

    id: str
    owner: str
    conversation_id: str | None
    parent_id: str | None
    depth: int
    status: Status
    model: str
    mode: str | None
    model_id: str
    stored: bool
    key_id: str | None
    runner: str
    request: dict[str, Any]
    created_at: float
    receipt: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    incomplete_reason: str | None = None
    usage: dict[str, Any] | None = None
    has_log: bool = True
    ended_at: float | None = None
    deleted_at: float | None = None
    continues: bool = False
    image_depth: int | None = None
    preview: str | None = None
    code: dict[str, Any] | None = None


COLUMNS = (
    "id, owner, conversation_id, parent_id, depth, status, model, mode, model_id, stored, key_id, runner, request,"
    " receipt, error, incomplete_reason, usage, has_log, created_at, ended_at,"
    " deleted_at, continues, image_depth, preview, code"
)
JSON_COLUMNS = ("request", "receipt", "error", "usage", "code")
FLAGS = ("stored", "has_log", "continues")

FIELDS = tuple(COLUMNS.split(", "))
INSERT = f"insert into responses ({COLUMNS}) values ({', '.join(f':{name}' for name in FIELDS)})"  # noqa: S608

PATH = """
    with recursive path (id, parent_id, distance) as (
        select id, parent_id, 0 from responses where id = :newest and owner = :owner
        union all
        select parent.id, parent.parent_id, path.distance + 1
          from path join responses as parent on parent.id = path.parent_id
         limit :limit
    )
    select string_agg(id, ' ' order by distance) from path
"""
EXCHANGE = """
    with recursive exchange (id, parent_id, continues, depth) as (
        select id, parent_id, continues, depth from responses where id = :newest
        union all
        select parent.id, parent.parent_id, parent.continues, parent.depth
          from exchange join responses as parent on parent.id = exchange.parent_id
         where exchange.continues
         limit :limit
    )
    select id from exchange order by depth
"""


class Responses:
    """Responses of any owner; those that a user names are found with the owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, response: StoredResponse) -> None:
        """Inserts a response."""
        values = {name: getattr(response, name) for name in FIELDS}
        for column in JSON_COLUMNS:
            values[column] = _json(values[column])
        self._tx.run(INSERT, **values)

    def find(self, owner: str, response_id: str) -> StoredResponse | None:
        """The owner's response; None for a missing, a foreign and a deleted one alike."""
        response = self.node(owner, response_id)
        return None if response is None or response.deleted_at is not None else response

    def node(self, owner: str, response_id: str) -> StoredResponse | None:
        """The owner's response, or the empty node that is left of it: what a path or a tip leads to."""
        row = self._tx.one(
            f"select {COLUMNS} from responses where id = ? and owner = ?",  # noqa: S608 - a constant
            response_id,
            owner,
        )
        return _response(row) if row else None

    def path(self, owner: str, newest: str, limit: int) -> list[str]:
        """Ids of that response and its ancestors, newest first, at most `limit`: costs no more in a long talk."""
        ids: str | None = self._tx.value(PATH, owner=owner, newest=newest, limit=limit)
        return ids.split() if ids else []

    def exchange(self, newest: str, limit: int) -> list[str]:
        """Ids of that response and of those before it that it goes on with, the oldest first, at most `limit`."""
        return [row["id"] for row in self._tx.all(EXCHANGE, newest=newest, limit=limit)]

    def running_in(self, conversation_id: str) -> list[str]:
        """Ids of the responses being generated in a conversation."""
        rows = self._tx.all(
            "select id from responses where conversation_id = ? and status = 'in_progress'", conversation_id
        )
        return [row["id"] for row in rows]

    def running_of(self, owner: str) -> int:
        """How many responses are being generated for an owner."""
        return int(self._tx.value("select count(*) from responses where owner = ? and status = 'in_progress'", owner))

    def orphans(self, runner: str) -> list[StoredResponse]:
        """Responses in progress that a boot other than `runner` began."""
        rows = self._tx.all(
            f"select {COLUMNS} from responses where status = 'in_progress' and runner <> ?",  # noqa: S608
            runner,
        )
        return [_response(row) for row in rows]

    def is_running(self, response_id: str) -> bool:
        """Whether it is there and has not ended."""
        return self._tx.value("select status from responses where id = ?", response_id) == "in_progress"

    def exists(self, response_id: str) -> bool:
        """Whether it has been neither erased nor deleted."""
        return self._tx.value("select 1 from responses where id = ? and deleted_at is null", response_id) is not None

    def keep_receipt(self, response_id: str, receipt: dict[str, Any]) -> None:
        """Stores what went to the model."""
        self._tx.run("update responses set receipt = ? where id = ?", _json(receipt), response_id)

    def keep_code(self, response_id: str, code: dict[str, Any]) -> None:
        """Stores a structured answer."""
        self._tx.run("update responses set code = ? where id = ?", _json(code), response_id)

    def end(self, response: StoredResponse) -> bool:
        """Stores how it ended; False when it had ended already or is gone."""
        return bool(
            self._tx.run(
                "update responses set status = ?, error = ?, incomplete_reason = ?, usage = ?, receipt = ?,"
                " ended_at = ? where id = ? and status = 'in_progress'",
                response.status,
                _json(response.error),
                response.incomplete_reason,
                _json(response.usage),
                _json(response.receipt),
                response.ended_at,
                response.id,
            )
        )

    def empty(self, response_id: str, now: float) -> None:
        """Leaves an empty node: what follows it keeps its place. Its items and events are not touched."""
        self._tx.run(
            "update responses set deleted_at = ?, request = '{}', receipt = null, error = null,"
            " incomplete_reason = null, usage = null, has_log = 0, preview = null, code = null where id = ?",
            now,
            response_id,
        )

    def revise(self, response_id: str, preview: str | None) -> None:
        """Notes that an item of it is gone: its log is no longer kept, its first words may be others."""
        self._tx.run("update responses set preview = ?, has_log = 0 where id = ?", preview, response_id)

    def drop_code(self, response_id: str) -> None:
        """Erases its structured answer."""
        self._tx.run("update responses set code = null where id = ?", response_id)

    def first_preview(self, conversation_id: str) -> str | None:
        """The first words of the user that are left in a conversation."""
        words: str | None = self._tx.value(
            "select preview from responses where conversation_id = ? and stored and preview is not null"
            " order by id limit 1",
            conversation_id,
        )
        return words

    def erase(self, response_id: str) -> None:
        """Deletes it with its items and events."""
        self._tx.run("delete from responses where id = ?", response_id)

    def give(self, owner: str, into: str) -> int:
        """Makes the responses of `owner` those of `into`, running ones too; returns how many there were."""
        return self._tx.run("update responses set owner = ? where owner = ?", into, owner)

    def erase_all(self, owner: str) -> int:
        """Deletes all of an owner, with their items and events; returns how many there were."""
        return self._tx.run("delete from responses where owner = ?", owner)


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _response(row: Row) -> StoredResponse:
    values: dict[str, Any] = {**row, **{flag: bool(row[flag]) for flag in FLAGS}}
    for column in JSON_COLUMNS:
        if values[column] is not None:
            values[column] = orjson.loads(values[column])
    return StoredResponse(**values)
