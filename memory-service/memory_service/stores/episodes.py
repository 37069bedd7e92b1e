"""Episodes: immutable summaries of runs of turns. A merged one covers others; their rows stay."""

from dataclasses import dataclass

from chassis.database import Transaction
from memory_service.stores.branches import Path, Segment

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

        Walks back from one to the next, so it costs as many look-ups as there are live ones.
        """
        found: list[Episode] = []
        while through > path.root:
            episode = self._ending_at(path.branch_at(through), through)
            if episode is None:
                break
            found.append(episode)
            through = episode.depth_from - 1
        return found[::-1]

    def folded_through(self, path: Path, pointer: int) -> int:
        """How far the path is folded: `pointer`, that of its branch, unless the path ends before it."""
        if pointer <= path.tip:
            return pointer
        for segment in path.segments:
            depth = self._last_end(segment)
            if depth is not None:
                return depth
        return path.root

    def starting_at(self, conversation_id: str, path: Path, depth: int) -> Episode | None:
        """An unmerged episode of the path that begins at that depth, made by a branch that shares its turns."""
        rows = self._tx.all(
            f"select {COLUMNS} from episodes where conversation_id = ? and level = 0 and depth_from = ?",  # noqa: S608
            conversation_id,
            depth,
        )
        return next((Episode(**row) for row in rows if path.holds(row["branch"], row["depth_to"])), None)

    def get(self, branch: int, depth_to: int, level: int) -> Episode | None:
        """The episode of that level that ends there."""
        row = self._tx.one(
            f"select {COLUMNS} from episodes where branch = ? and depth_to = ? and level = ?",  # noqa: S608
            branch,
            depth_to,
            level,
        )
        return Episode(**row) if row else None

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

    def _ending_at(self, branch: int, depth: int) -> Episode | None:
        row = self._tx.one(
            f"select {COLUMNS} from episodes where branch = ? and depth_to = ? order by level desc limit 1",  # noqa: S608
            branch,
            depth,
        )
        return Episode(**row) if row else None

    def _last_end(self, segment: Segment) -> int | None:
        last: int | None = self._tx.value(
            "select max(depth_to) as last from episodes where branch = ? and depth_to > ? and depth_to <= ?",
            segment.branch,
            segment.above,
            segment.upto,
        )
        return last
