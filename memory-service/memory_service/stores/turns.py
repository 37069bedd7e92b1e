"""The archive: every turn, word for word."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chassis.database import Row, Transaction
from memory_service.stores.branches import Path, Segment

COLUMNS = (
    "id, owner, conversation_id, branch, depth, status, remembered, user_text, assistant_text, file_ids, model,"
    " tokens, created_at, ended_at, session_at"
)
FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Turn:
    """What the user said and what was answered."""

    id: str
    owner: str
    conversation_id: str
    branch: int
    depth: int
    status: str
    remembered: bool
    user_text: str
    assistant_text: str
    file_ids: list[str]
    model: str | None
    tokens: int
    created_at: float
    ended_at: float
    session_at: float

    @property
    def opens(self) -> bool:
        """Whether an exchange begins with it; one that only brings results of tools goes on with that before it."""
        return bool(self.user_text.strip())


def husk_of(turn: Turn) -> Turn:
    """What is left of a turn that is forgotten: that there was one."""
    return replace(
        turn, status=FORGOTTEN, remembered=False, user_text="", assistant_text="", file_ids=[], model=None, tokens=0
    )


@dataclass(frozen=True)
class Size:
    """A turn without its texts."""

    id: str
    branch: int
    depth: int
    tokens: int
    opens: bool


@dataclass(frozen=True)
class Placed:
    """Where a turn stands and when it was; without its texts."""

    id: str
    owner: str
    conversation_id: str
    branch: int
    depth: int
    created_at: float
    session_at: float


@dataclass(frozen=True)
class Count:
    """How many turns, how many exchanges they are, and their tokens."""

    turns: int
    exchanges: int
    tokens: int


class Turns:
    """Rows of `turns`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, turn_id: str) -> Turn | None:
        """The turn of that id."""
        row = self._tx.one(f"select {COLUMNS} from turns where id = ?", turn_id)  # noqa: S608
        return _turn(row) if row else None

    def find_all(self, turn_ids: Sequence[str]) -> dict[str, Turn]:
        """The turns of those ids that there are, by id."""
        rows = self._tx.all(
            f"select {COLUMNS} from turns where id in (select value from json_each(?))",  # noqa: S608
            json.dumps(list(turn_ids)),
        )
        return {row["id"]: _turn(row) for row in rows}

    def placed(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Placed]:
        """The remembered turns that stand at those places, which are branch and depth."""
        rows = self._tx.all(
            "select t.id, t.owner, t.conversation_id, t.branch, t.depth, t.created_at, t.session_at"
            " from json_each(?) as place join turns as t"
            " on t.branch = place.value ->> 0 and t.depth = place.value ->> 1 where t.remembered = 1",
            json.dumps(places),
        )
        return {(row["branch"], row["depth"]): Placed(**row) for row in rows}

    def numbered(self, numbers: Sequence[int]) -> list[Turn]:
        """The turns of those numbers that there are."""
        rows = self._tx.all(
            f"select {COLUMNS} from turns where number in (select value from json_each(?))",  # noqa: S608
            json.dumps(list(numbers)),
        )
        return [_turn(row) for row in rows]

    def newest_number(self) -> int:
        """Of the turn that arrived last; 0 when there is none."""
        newest: int = self._tx.value("select coalesce(max(number), 0) from turns")
        return newest

    def newer(self, number: int, owner: str) -> list[str]:
        """Ids of the owner's turns that arrived since then."""
        rows = self._tx.all("select id from turns where number > ? and owner = ? order by number", number, owner)
        return [row["id"] for row in rows]

    def kept_aside(self, owner: str) -> list[str]:
        """Ids of the owner's turns that have texts and are no part of what is remembered, such as failed ones."""
        rows = self._tx.all(
            "select id from turns where owner = ? and remembered = 0 and (user_text <> '' or assistant_text <> '')",
            owner,
        )
        return [row["id"] for row in rows]

    def add(self, turn: Turn) -> None:
        """Stores a turn."""
        self._tx.run(
            "insert into turns (id, owner, conversation_id, branch, depth, status, remembered, opens, user_text,"
            " assistant_text, file_ids, model, tokens, created_at, ended_at, session_at)"
            " values (:id, :owner, :conversation_id, :branch, :depth, :status, :remembered, :opens, :user_text,"
            " :assistant_text, :file_ids, :model, :tokens, :created_at, :ended_at, :session_at)",
            **_values(turn),
        )

    def revise(self, turn: Turn) -> None:
        """Puts other texts in the place of a turn's."""
        self._tx.run(
            "update turns set status = :status, remembered = :remembered, opens = :opens, user_text = :user_text,"
            " assistant_text = :assistant_text, file_ids = :file_ids, model = :model, tokens = :tokens"
            " where id = :id",
            **_values(turn),
        )

    def newest_known(self, owner: str, conversation_id: str, turn_ids: list[str]) -> Turn | None:
        """The first of the ids, which come newest first, that is a turn of this conversation."""
        for turn_id in turn_ids:
            turn = self.find(turn_id)
            if turn and turn.owner == owner and turn.conversation_id == conversation_id:
                return turn
        return None

    def of_branch(self, branch: int) -> list[Turn]:
        """The remembered turns that stand on the branch itself, oldest first."""
        rows = self._tx.all(
            f"select {COLUMNS} from turns where branch = ? and remembered = 1 order by depth",  # noqa: S608
            branch,
        )
        return [_turn(row) for row in rows]

    def newest_sizes(self, path: Path, above: int, limit: int) -> list[Size]:
        """Sizes of the remembered turns deeper than `above`, newest first."""
        return self._sizes(path.between(above, path.tip), "desc", limit)

    def oldest_sizes(self, path: Path, above: int, upto: int, limit: int) -> list[Size]:
        """Sizes of the remembered turns with `above` < depth <= `upto`, oldest first."""
        return self._sizes(path.between(above, upto)[::-1], "asc", limit)

    def between(self, path: Path, above: int, upto: int) -> list[Turn]:
        """The remembered turns with `above` < depth <= `upto`, oldest first."""
        segments = path.between(above, upto)[::-1]
        return [_turn(row) for segment in segments for row in self._of_segment(COLUMNS, segment, "asc", -1)]

    def count(self, path: Path, above: int, upto: int) -> Count:
        """How much was remembered in that range."""
        rows = [
            self._tx.all(
                "select count(*) as turns, coalesce(sum(opens), 0) as exchanges, coalesce(sum(tokens), 0) as tokens"
                " from turns"
                " where branch = ? and depth > ? and depth <= ? and remembered = 1",
                segment.branch,
                segment.above,
                segment.upto,
            )[0]
            for segment in path.between(above, upto)
        ]
        return Count(
            turns=sum(row["turns"] for row in rows),
            exchanges=sum(row["exchanges"] for row in rows),
            tokens=sum(row["tokens"] for row in rows),
        )

    def any_known(self, conversation_id: str) -> bool:
        """Whether there is a turn of the conversation that was not forgotten."""
        row = self._tx.one(
            "select 1 as found from turns where conversation_id = ? and status <> ? limit 1", conversation_id, FORGOTTEN
        )
        return row is not None

    def forget(self, conversation_id: str) -> int:
        """Leaves only husks: which turns there were, and nothing that was said. Returns how many."""
        return self._tx.run(
            "update turns set status = ?, remembered = 0, user_text = '', assistant_text = '', file_ids = '[]',"
            " model = null, tokens = 0 where conversation_id = ? and status <> ?",
            FORGOTTEN,
            conversation_id,
            FORGOTTEN,
        )

    def give(self, conversation_id: str, into: str) -> int:
        """Makes them another owner's; returns how many."""
        return self._tx.run("update turns set owner = ? where conversation_id = ?", into, conversation_id)

    def erase(self, conversation_id: str) -> int:
        """Deletes them all; returns how many."""
        return self._tx.run("delete from turns where conversation_id = ?", conversation_id)

    def _sizes(self, segments: list[Segment], order: str, limit: int) -> list[Size]:
        rows: list[Row] = []
        for segment in segments:
            rows += self._of_segment("id, branch, depth, tokens, opens", segment, order, limit - len(rows))
        return [Size(**{**row, "opens": bool(row["opens"])}) for row in rows]

    def _of_segment(self, columns: str, segment: Segment, order: str, limit: int) -> list[Row]:
        """Its remembered turns; a limit of -1 is none."""
        return self._tx.all(
            f"select {columns} from turns where branch = ? and depth > ? and depth <= ? and remembered = 1"  # noqa: S608
            f" order by depth {order} limit ?",
            segment.branch,
            segment.above,
            segment.upto,
            limit,
        )


def _values(turn: Turn) -> dict[str, Any]:
    return {
        **vars(turn),
        "remembered": int(turn.remembered),
        "opens": int(turn.opens),
        "file_ids": json.dumps(turn.file_ids),
    }


def _turn(row: Row) -> Turn:
    return Turn(
        **{
            **row,
            "remembered": bool(row["remembered"]),
            "file_ids": [] if row["file_ids"] == "[]" else json.loads(row["file_ids"]),
        }
    )
