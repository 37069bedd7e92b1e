"""One moment of memory's file, copied into memory: its rows, and the paths of its conversations."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

Row = dict[str, Any]


@dataclass(frozen=True)
class Stretch:
    """The turns of one branch with `above` < depth <= `upto`."""

    branch: int
    above: int
    upto: int


Path = list[Stretch]
"""The way to the root, newest stretch first."""


class Snapshot:
    """Made from any connection to the file; the service may go on. SQLite's own checks may write to it."""

    def __init__(self, database: apsw.Connection) -> None:
        self._copy = apsw.Connection(":memory:")
        with self._copy.backup("main", database, "main") as backup:
            while not backup.done:
                backup.step(-1)
        self._copy.row_trace = _as_dict
        self.branches = {row["id"]: row for row in self.all("select * from branches")}
        self.turns = {row["id"]: row for row in self.all("select * from turns")}
        self.episodes = {row["id"]: row for row in self.all("select * from episodes")}
        self.folds_owed = {row["branch"] for row in self.all("select branch from jobs where kind = 'fold'")}
        self._at = {(turn["branch"], turn["depth"]): turn for turn in self.turns.values()}
        self._ending_at = defaultdict(list)
        for episode in self.episodes.values():
            self._ending_at[episode["branch"], episode["depth_to"]].append(episode)

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row, as a dict by column name."""
        return list(self._copy.execute(sql, values))

    def path(self, branch: Row) -> Path:
        """The way from the branch's tip to the root."""
        path, upto = [], branch["tip_depth"]
        while True:
            path.append(Stretch(branch["id"], branch["fork_depth"], upto))
            if branch["parent"] is None:
                return path
            upto, branch = branch["fork_depth"], self.branches[branch["parent"]]

    def at(self, branch: int, depth: int) -> Row | None:
        """The turn at that place."""
        return self._at.get((branch, depth))

    def before(self, turn: Row) -> str | None:
        """Id of the turn that it follows."""
        branch, depth = self.branches[turn["branch"]], turn["depth"] - 1
        found = self.at(branch["id"] if depth > branch["fork_depth"] else branch["parent"], depth)
        return found["id"] if found else None

    def remembered(self, path: Path, above: int, upto: int) -> list[Row]:
        """The remembered turns of the path with `above` < depth <= `upto`."""
        turns = (self.at(branch, depth) for branch, depth in _places(path, above, upto))
        return [turn for turn in turns if turn and turn["remembered"]]

    def live_episodes(self, path: Path, upto: int) -> list[Row]:
        """Those that stand for the path up to there, newest first: from its end, each time the most merged one."""
        live = []
        for branch, depth in _places(path, 0, upto):
            if depth <= upto and (ending := self._ending_at.get((branch, depth))):
                live.append(max(ending, key=lambda episode: episode["level"]))
                upto = live[-1]["depth_from"] - 1
        return live

    def episode_ending(self, path: Path, depth: int, level: int) -> Row | None:
        """The one of that level that ends there."""
        [branch] = [branch for branch, its in _places(path, depth - 1, depth)]
        return next((each for each in self._ending_at.get((branch, depth), []) if each["level"] == level), None)

    def quotes(self, turn_id: str, start: int, stop: int) -> bool:
        """Whether these offsets are words of the user's that are remembered."""
        turn = self.turns.get(turn_id)
        return turn is not None and bool(turn["remembered"]) and 0 <= start < stop <= len(turn["user_text"])


def _places(path: Path, above: int, upto: int) -> Iterable[tuple[int, int]]:
    """(branch, depth) from `upto` back to `above`, which is not among them."""
    for each in path:
        for depth in range(min(each.upto, upto), max(each.above, above), -1):
            yield each.branch, depth


def _as_dict(cursor: apsw.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
