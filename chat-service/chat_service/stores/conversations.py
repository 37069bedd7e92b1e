"""The `conversations` table."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from chassis.database import Row, Transaction
from chassis.pages import PageQuery

TitleOrigin = Literal["words", "model", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConversation:
    """One row; `tip_id` is the newest response of the active branch. `title_from` is null as long as `title` is."""

    id: str
    owner: str
    metadata: dict[str, str]
    tip_id: str | None
    created_at: float
    updated_at: float
    title: str | None = None
    title_from: TitleOrigin | None = None
    archived_at: float | None = None
    pinned_at: float | None = None
    instructions: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """Which conversations, and by what they are sorted; None for `archived` or `pinned` takes both kinds."""

    sort: Literal["updated", "created"] = "updated"
    words: tuple[str, ...] = ()
    archived: bool | None = False
    pinned: bool | None = None


DESCRIPTION = ("metadata", "tip_id", "title", "title_from", "archived_at", "pinned_at", "instructions", "model")
"""What its owner may set."""
COLUMNS = ", ".join(("id", "owner", "created_at", "updated_at", *DESCRIPTION))
INSERTED = ", ".join(f":{column}" for column in COLUMNS.split(", "))
CHANGED = ", ".join(f"{column} = :{column}" for column in DESCRIPTION)
WILDCARDS = re.compile(r"([\\%_])")


class Conversations:
    """Conversations of any owner; whatever a user names is found with the owner."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, conversation: StoredConversation) -> None:
        """Inserts a conversation."""
        self._tx.run(
            f"insert into conversations ({COLUMNS}, title_searched) values ({INSERTED}, :title_searched)",  # noqa: S608
            **_values(conversation),
        )

    def find(self, owner: str, conversation_id: str) -> StoredConversation | None:
        """The owner's conversation; None for a missing and for a foreign one alike."""
        row = self._tx.one(
            f"select {COLUMNS} from conversations where id = ? and owner = ?",  # noqa: S608 - a constant
            conversation_id,
            owner,
        )
        return _conversation(row) if row else None

    def page(
        self, owner: str, page: PageQuery, only: ConversationFilter, moment: float | None = None
    ) -> list[StoredConversation]:
        """Up to `limit + 1` of the owner's conversations. Sorted by activity, `after` stands at that `moment`."""
        comes_later, direction = ("<", "desc") if page.order == "desc" else (">", "asc")
        key, place = ("id", ":after") if only.sort == "created" else ("(updated_at, id)", "(:moment, :after)")
        words = {f"word_{position}": _containing(word) for position, word in enumerate(only.words)}
        wanted = [
            "owner = :owner",
            *([f"{key} {comes_later} {place}"] if page.after else []),
            *(f"title_searched like :{name} escape '\\'" for name in words),
            *_is_set("archived_at", only.archived),
            *_is_set("pinned_at", only.pinned),
        ]
        by = f"id {direction}" if only.sort == "created" else f"updated_at {direction}, id {direction}"
        rows = self._tx.all(
            f"select {COLUMNS} from conversations where {' and '.join(wanted)} order by {by} limit :limit",  # noqa: S608
            owner=owner,
            after=page.after,
            moment=moment,
            limit=page.limit + 1,
            **words,
        )
        return [_conversation(row) for row in rows]

    def describe(self, conversation: StoredConversation) -> None:
        """Stores what its owner has set: everything but the times."""
        self._tx.run(
            f"update conversations set {CHANGED}, title_searched = :title_searched"  # noqa: S608 - constants
            " where id = :id and owner = :owner",
            **_values(conversation),
        )

    def move_tip(self, owner: str, conversation_id: str, tip_id: str, now: float, title: str | None = None) -> None:
        """Makes that response the end of the active branch; `title` becomes that of a conversation without one."""
        self._tx.run(
            "update conversations"
            "   set tip_id = :tip_id, updated_at = :now,"
            "       title_from = case when title is null and :title is not null then 'words' else title_from end,"
            "       title_searched = coalesce(title_searched, :title_searched),"
            "       title = coalesce(title, :title)"
            " where id = :id and owner = :owner",
            tip_id=tip_id,
            now=now,
            title=title,
            title_searched=_searched(title),
            id=conversation_id,
            owner=owner,
        )

    def retitle(self, conversation_id: str, words: str | None) -> None:
        """Gives it first words as its title, or none."""
        self._tx.run(
            "update conversations set title = ?, title_from = ?, title_searched = ? where id = ?",
            words,
            "words" if words else None,
            _searched(words),
            conversation_id,
        )

    def entitle(self, conversation_id: str, title: str, since: float) -> None:
        """Gives it a model's title instead of first words, unless something in it was deleted since then."""
        self._tx.run(
            "update conversations set title = ?, title_from = 'model', title_searched = ?"
            " where id = ? and title_from = 'words' and (revised_at is null or revised_at < ?)",
            title,
            _searched(title),
            conversation_id,
            since,
        )

    def revise(self, conversation_id: str, now: float) -> None:
        """Notes that something in it was deleted."""
        self._tx.run("update conversations set revised_at = ? where id = ?", now, conversation_id)

    def delete(self, owner: str, conversation_id: str) -> bool:
        """Deletes it with its responses, items and events; False when there is no such conversation."""
        return bool(self._tx.run("delete from conversations where id = ? and owner = ?", conversation_id, owner))

    def give(self, owner: str, into: str) -> int:
        """Makes the conversations of `owner` those of `into`; returns how many there were."""
        return self._tx.run("update conversations set owner = ? where owner = ?", into, owner)

    def erase_all(self, owner: str) -> int:
        """Deletes all of an owner, with what was said in them; returns how many there were."""
        return self._tx.run("delete from conversations where owner = ?", owner)


def _is_set(column: str, wanted: bool | None) -> list[str]:
    return [] if wanted is None else [f"{column} is {'not ' if wanted else ''}null"]


def _containing(word: str) -> str:
    literally = WILDCARDS.sub(r"\\\1", word.casefold())
    return f"%{literally}%"


def _searched(title: str | None) -> str | None:
    return title.casefold() if title else None


def _values(conversation: StoredConversation) -> dict[str, Any]:
    metadata = orjson.dumps(conversation.metadata).decode()
    return {**asdict(conversation), "metadata": metadata, "title_searched": _searched(conversation.title)}


def _conversation(row: Row) -> StoredConversation:
    values: dict[str, Any] = {**row, "metadata": orjson.loads(row["metadata"])}
    return StoredConversation(**values)
