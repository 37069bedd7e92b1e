"""Branches of conversations: how turns hang together, and how far each branch is folded."""

from dataclasses import dataclass

from chassis.database import Transaction

COLUMNS = (
    "id, conversation_id, parent, fork_depth, tip_depth, folded_through, unfolded_turns, unfolded_tokens,"
    " smoothed_tokens"
)
NEWEST_TURN_WEIGHT = 0.3
"""Weight of the newest turn in the exponential smoothing of tokens per turn."""


@dataclass(frozen=True)
class Segment:
    """The turns of one branch with `above` < depth <= `upto`."""

    branch: int
    above: int
    upto: int


@dataclass(frozen=True)
class Branch:
    """A run of turns; those up to `fork_depth` are its ancestors'. `unfolded_turns` counts exchanges."""

    id: int
    conversation_id: str
    parent: int | None
    fork_depth: int
    tip_depth: int
    folded_through: int
    unfolded_turns: int
    unfolded_tokens: int
    smoothed_tokens: float

    @property
    def own(self) -> Segment:
        """The turns that stand on the branch itself."""
        return Segment(self.id, self.fork_depth, self.tip_depth)


@dataclass(frozen=True)
class Path:
    """The way from the root of a conversation to one turn: segments, newest first."""

    segments: tuple[Segment, ...]

    @property
    def tip(self) -> int:
        """Depth of the turn it ends with."""
        return self.segments[0].upto

    @property
    def root(self) -> int:
        """Depth before its first turn: 0, unless the turns before were never delivered."""
        return self.segments[-1].above

    def holds(self, branch: int, depth: int) -> bool:
        """Whether the turn at that place is on the way."""
        return any(each.branch == branch and depth <= each.upto for each in self.segments)

    def between(self, above: int, upto: int) -> list[Segment]:
        """The pieces with `above` < depth <= `upto`, newest first."""
        cut = (Segment(each.branch, max(each.above, above), min(each.upto, upto)) for each in self.segments)
        return [each for each in cut if each.above < each.upto]


class Branches:
    """Rows of `branches`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, branch: int) -> Branch:
        """The branch, which must exist."""
        row = self._tx.one(f"select {COLUMNS} from branches where id = ?", branch)  # noqa: S608
        assert row is not None
        return Branch(**row)

    def path(self, branch: int, depth: int) -> Path:
        """The way to the turn of `depth` on `branch`."""
        rows = self._tx.all(
            """
            with recursive path (id, parent, above, upto, distance) as (
                select id, parent, fork_depth, cast(:depth as integer), 0 from branches where id = :branch
                union all
                select b.id, b.parent, b.fork_depth, path.above, path.distance + 1
                  from path join branches as b on b.id = path.parent
            )
            select id, above, upto from path order by distance
            """,
            branch=branch,
            depth=depth,
        )
        return Path(tuple(Segment(row["id"], row["above"], row["upto"]) for row in rows))

    def of(self, conversation_id: str) -> list[Branch]:
        """All branches of a conversation, oldest first."""
        rows = self._tx.all(
            f"select {COLUMNS} from branches where conversation_id = ? order by id",  # noqa: S608
            conversation_id,
        )
        return [Branch(**row) for row in rows]

    def forks(self, branch: int, depth: int) -> list[Branch]:
        """Those that fork off a branch at that depth or deeper."""
        rows = self._tx.all(
            f"select {COLUMNS} from branches where parent = ? and fork_depth >= ? order by id",  # noqa: S608
            branch,
            depth,
        )
        return [Branch(**row) for row in rows]

    def open(self, conversation_id: str, *, parent: int | None, parent_turn_id: str | None, fork_depth: int) -> int:
        """A new branch without turns; returns its id, which no branch has whose passages are still in the index."""
        opened: int = self._tx.value(
            "insert into branches (id, conversation_id, parent, parent_turn_id, fork_depth, tip_depth, folded_through)"
            " values (1 + max((select coalesce(max(id), 0) from branches),"
            " (select coalesce(max(branch), 0) from leftovers)),"
            " :conversation_id, :parent, :parent_turn_id, :fork_depth, :fork_depth, :fork_depth) returning id",
            conversation_id=conversation_id,
            parent=parent,
            parent_turn_id=parent_turn_id,
            fork_depth=fork_depth,
        )
        return opened

    def inherit(self, branch: int, *, folded_through: int, turns: int, tokens: int, smoothed_tokens: float) -> None:
        """What a new branch takes over from the path it forks off."""
        self._tx.run(
            "update branches set folded_through = ?, unfolded_turns = ?, unfolded_tokens = ?, smoothed_tokens = ?"
            " where id = ?",
            folded_through,
            turns,
            tokens,
            smoothed_tokens,
            branch,
        )

    def link_orphans(self, turn_id: str, branch: int, depth: int) -> None:
        """Hangs branches of the conversation that were waiting for this turn onto it."""
        self._tx.run(
            "update branches set parent = :branch where parent_turn_id = :turn_id and fork_depth = :depth"
            " and parent is null and id <> :branch"
            " and conversation_id = (select conversation_id from branches where id = :branch)",
            branch=branch,
            turn_id=turn_id,
            depth=depth,
        )

    def extend(self, branch: int, depth: int) -> None:
        """A turn that is only archived."""
        self._tx.run("update branches set tip_depth = ? where id = ?", depth, branch)

    def buffer(self, branch: int, tokens: int, *, opens: bool) -> None:
        """Counts a remembered turn into the short-term buffer: as an exchange, or into that before it."""
        self._tx.run(
            "update branches set unfolded_turns = unfolded_turns + :opens,"
            " unfolded_tokens = unfolded_tokens + :tokens,"
            " smoothed_tokens = case smoothed_tokens when 0 then :tokens"
            " else smoothed_tokens + :weight * (:tokens - :opens * smoothed_tokens) end where id = :branch",
            tokens=tokens,
            opens=int(opens),
            weight=NEWEST_TURN_WEIGHT,
            branch=branch,
        )

    def recount(self, branch: int, *, turns: int, tokens: int) -> None:
        """What its short-term buffer holds now that a turn in it is another."""
        self._tx.run("update branches set unfolded_turns = ?, unfolded_tokens = ? where id = ?", turns, tokens, branch)

    def fold(self, branch: int, *, above: int, through: int, turns: int, tokens: int) -> bool:
        """Moves the fold pointer from `above` to `through`; False when it does not stand at `above` any more."""
        moved = self._tx.run(
            "update branches set folded_through = :through, unfolded_turns = unfolded_turns - :turns,"
            " unfolded_tokens = unfolded_tokens - :tokens where id = :branch and folded_through = :above",
            branch=branch,
            above=above,
            through=through,
            turns=turns,
            tokens=tokens,
        )
        return moved == 1

    def clear(self, conversation_id: str) -> None:
        """Nothing of what was said so far is in any buffer."""
        self._tx.run(
            "update branches set folded_through = tip_depth, unfolded_turns = 0, unfolded_tokens = 0"
            " where conversation_id = ?",
            conversation_id,
        )

    def erase(self, conversation_id: str) -> None:
        """Deletes them all."""
        self._tx.run("delete from branches where conversation_id = ?", conversation_id)
