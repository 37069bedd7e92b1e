"""Where a search looks: ranges of the index, about how much they hold, and where a turn of them stands."""

from collections.abc import Sequence

from chassis.database import Transaction
from memory_service.stores.branches import Branches, Path, Segment
from memory_service.stores.passages import (
    EVERYTHING,
    IndexOwner,
    Span,
    branch_and_depth_of,
    place_of_passage,
    span_of,
)

MOST_SPANS = 8
MOST_EXACT_SPANS = 100
"""Of a path of many forks, where what lies between its pieces holds too much of a word."""


class Scope:
    """`passages` is an estimate of how many there are, `passages_per_turn` the owner's mean.

    On a path a turn's place is its depth, so that turns on both sides of a fork are neighbours; else branch and depth.
    """

    def __init__(
        self, owner: IndexOwner, spans: Sequence[Span], segments: Sequence[Segment] | None, *, on_path: bool = False
    ) -> None:
        self.spans = _few(spans, MOST_SPANS)
        self.exact_spans = _few(spans, MOST_EXACT_SPANS)
        self.passages_per_turn = max(1.0, owner.passages / max(1, owner.turns))
        turns = owner.turns if segments is None else sum(each.upto - each.above for each in segments)
        self.passages = max(1.0, turns * self.passages_per_turn)
        self._segments = {each.branch: each for each in segments} if segments is not None else None
        self._tip = segments[0].upto if segments else 0
        self._on_path = on_path

    def place(self, number: int) -> int | None:
        """Of the turn of a passage; None when it is not searched."""
        place = place_of_passage(number)
        if self._segments is None:
            return place
        branch, depth = branch_and_depth_of(place)
        segment = self._segments.get(branch)
        if segment is None or not segment.above < depth <= segment.upto:
            return None
        return depth if self._on_path else place

    def estimated(self, newest: int, oldest: int) -> int | None:
        """How many passages have a word that the `newest` so many have, down to `oldest`. None where that cannot be
        told: only on a path do numbers say how much lies between them."""
        depth = self.place(oldest) if self._on_path else None
        if depth is None:
            return None
        turns = self._tip - depth + 1
        return round(newest * max(1.0, self.passages / (turns * self.passages_per_turn)))

    def branch_and_depth(self, place: int) -> tuple[int, int]:
        """Where the turn stands."""
        if not self._on_path:
            return branch_and_depth_of(place)
        assert self._segments is not None
        return next((each.branch for each in self._segments.values() if each.above < place <= each.upto), 0), place


def scope_of(tx: Transaction, owner: IndexOwner, conversation_id: str | None, path: Path | None) -> Scope:
    """The path; else the conversation with all its branches; else all that is the owner's."""
    if path is not None:
        return Scope(owner, [span_of(each) for each in path.segments], path.segments, on_path=True)
    if conversation_id is None:
        return Scope(owner, [EVERYTHING], None)
    segments = [branch.own for branch in Branches(tx).of(conversation_id)]
    return Scope(owner, [span_of(each) for each in segments], segments)


def _few(spans: Sequence[Span], most: int) -> list[Span]:
    """At most so many spans that cover them all, highest first: those nearest to each other become one."""
    few = sorted(spans, key=lambda span: -span.first)
    while len(few) > most:
        at = min(range(len(few) - 1), key=lambda i: few[i].first - few[i + 1].last)
        few[at : at + 2] = [Span(few[at + 1].first, few[at].last)]
    return few
