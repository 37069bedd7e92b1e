"""Episodes: immutable summaries of runs of turns. A merged one covers others; their rows stay."""

from dataclasses import dataclass

from chassis.database import Transaction
from memory_service.stores.branches import Path

COLUMNS = (
    "id, conversation_id, branch, level, depth_from, depth_to, summary, priority, quote_turn_id, quote_from, quote_to,"
    " tokens, happened_at, model, input_tokens, output_tokens, created_at"
)


@dataclass(frozen=True)
class Episode:
    """A summary of the turns `depth_from` to `depth_to`, with a quote of the user's words by offsets."""

    id: str
    conversation_id: str
    branch: int
    level: int
    depth_from: int
    depth_to: int
    summary: str
    priority: int
    quote_turn_id: str | None
    quote_from: int | None
    quote_to: int | None
    tokens: int
    happened_at: float
    model: str
    input_tokens: int | None
    output_tokens: int | None
    created_at: float


class Episodes:
    """Rows of `episodes`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, episode: Episode) -> bool:
        """Stores an episode; False when another branch that shares these turns has made it already."""
        added = self._tx.run(
            "insert into episodes (id, conversation_id, branch, level, depth_from, depth_to, summary, priority,"
            " quote_turn_id, quote_from, quote_to, tokens, happened_at, model, input_tokens, output_tokens, created_at)"
            " values (:id, :conversation_id, :branch, :level, :depth_from, :depth_to, :summary, :priority,"
            " :quote_turn_id, :quote_from, :quote_to, :tokens, :happened_at, :model, :input_tokens, :output_tokens,"
            " :created_at) on conflict (branch, depth_to, level) do nothing",
            **vars(episode),
        )
        return added == 1

    def live(self, path: Path, through: int) -> list[Episode]:
        """Those that together cover the path up to `through`, each the most merged one, oldest first.

        There may be gaps, of turns that were forgotten or are to be folded again. Walks back from one to the next, so
        it costs as many look-ups as there are live ones.
        """
        found: list[Episode] = []
        while episode := self._last(path, through):
            found.append(episode)
            through = episode.depth_from - 1
        return found[::-1]

    def gaps(self, path: Path, through: int) -> list[tuple[int, int]]:
        """What no episode covers up to `through`: (`above`, `upto`), each with `above` < depth <= `upto`."""
        found, above = [], path.root
        for episode in self.live(path, through):
            found.append((above, episode.depth_from - 1))
            above = episode.depth_to
        return [(low, high) for low, high in [*found, (above, through)] if low < high]

    def folded_through(self, path: Path, pointer: int) -> int:
        """How far the path is folded: `pointer`, that of its branch, unless the path ends before it."""
        if pointer <= path.tip:
            return pointer
        last = self._last(path, path.tip)
        return last.depth_to if last else path.root

    def starting_at(self, conversation_id: str, path: Path, depth: int) -> Episode | None:
        """An unmerged episode of the path that begins at that depth, made by a branch that shares its turns."""
        rows = self._tx.all(
            f"select {COLUMNS} from episodes where conversation_id = ? and level = 0 and depth_from = ?",  # noqa: S608
            conversation_id,
            depth,
        )
        return next((Episode(**row) for row in rows if path.holds(row["branch"], row["depth_to"])), None)

    def around(self, conversation_id: str, depth: int) -> list[Episode]:
        """Those of every branch and level whose depths hold that one."""
        rows = self._tx.all(
            f"select {COLUMNS} from episodes where conversation_id = ? and depth_from <= ? and depth_to >= ?",  # noqa: S608
            conversation_id,
            depth,
            depth,
        )
        return [Episode(**row) for row in rows]

    def drop(self, episode_id: str) -> None:
        """Deletes one; those it was merged from stay."""
        self._tx.run("delete from episodes where id = ?", episode_id)

    def last_made_at(self, conversation_id: str) -> float | None:
        """When the newest episode of the conversation was made."""
        last: float | None = self._tx.value(
            "select max(created_at) as last from episodes where conversation_id = ?", conversation_id
        )
        return last

    def count(self, conversation_id: str) -> int:
        """How many there are, merged ones too."""
        counted: int = self._tx.value("select count(*) from episodes where conversation_id = ?", conversation_id)
        return counted

    def erase(self, conversation_id: str) -> int:
        """Deletes them all; returns how many."""
        return self._tx.run("delete from episodes where conversation_id = ?", conversation_id)

    def _last(self, path: Path, through: int) -> Episode | None:
        """The one of the path that ends last, not deeper than `through`; the most merged one that ends there."""
        for segment in path.between(path.root, through):
            row = self._tx.one(
                f"select {COLUMNS} from episodes where branch = ? and depth_to > ? and depth_to <= ?"  # noqa: S608
                " order by depth_to desc, level desc limit 1",
                segment.branch,
                segment.above,
                segment.upto,
            )
            if row:
                return Episode(**row)
        return None
