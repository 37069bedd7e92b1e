"""When the short-term memory is folded, and which turns a fold takes. Pure rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from chassis.calibration import estimated
from memory_service.stores.branches import Branch
from memory_service.stores.episodes import Episode
from memory_service.stores.turns import Size

LIVE_EPISODES = 8
"""So many live episodes of a level are merged, the oldest …"""
MERGED_TOGETHER = 4
"""… so many of them into one of the next level."""
TRIES_BEFORE_SMALLER = 2
SMALLEST_SHARE = 8
LARGEST_K = 64


@dataclass(frozen=True)
class Limits:
    """Exchanges when `k` is set, tokens otherwise; a fold reads at most `source_tokens`."""

    k: int | None
    high_tokens: int
    low_tokens: int
    source_tokens: int

    def counted_at(self, ratio: float) -> Self:
        """For a model that counts `ratio` tokens for one of ours: `source_tokens` are its own."""
        return replace(self, source_tokens=estimated(self.source_tokens, ratio))

    def fold_is_due(self, branch: Branch) -> bool:
        """Whether the buffer is over its limit. The newest exchange is never folded."""
        if self.k is not None:
            return branch.unfolded_turns > self.k
        return branch.unfolded_tokens > self.high_tokens and branch.unfolded_turns > 1

    def chunk(self, branch: Branch, oldest: Sequence[Size], attempts: int) -> list[Size]:
        """The turns of `oldest` that the next fold takes: whole exchanges, at least one; fewer after failures."""
        left, tokens_left, room = branch.unfolded_turns, branch.unfolded_tokens, self._room(attempts)
        chosen: list[Size] = []
        for exchange in exchanges(oldest):
            enough = left <= -(-self.k // 2) if self.k is not None else tokens_left <= self.low_tokens
            tokens = _tokens(exchange)
            if left <= 1 or (chosen and (enough or tokens > room)):
                break
            chosen += exchange
            left, tokens_left, room = left - 1, tokens_left - tokens, room - tokens
        return chosen

    def piece(self, gap: Sequence[Size], attempts: int) -> list[Size]:
        """The turns of a gap between episodes that the next fold takes: whole exchanges, as many as it may read."""
        room = self._room(attempts)
        chosen: list[Size] = []
        for exchange in exchanges(gap):
            if chosen and _tokens(exchange) > room:
                break
            chosen += exchange
            room -= _tokens(exchange)
        return chosen

    def adaptive_k(self, branch: Branch) -> int:
        """How many turns the short-term memory holds at the present length of turns."""
        if self.k is not None:
            return self.k
        if not branch.smoothed_tokens:
            return LARGEST_K
        return max(1, min(LARGEST_K, round(self.high_tokens / branch.smoothed_tokens)))

    def _room(self, attempts: int) -> int:
        return self.source_tokens // min(2 ** (attempts // TRIES_BEFORE_SMALLER), SMALLEST_SHARE)


def exchanges(turns: Sequence[Size]) -> list[list[Size]]:
    """Turns in order, each question with all that was said until the next."""
    found: list[list[Size]] = []
    for turn in turns:
        if turn.opens or not found:
            found.append([])
        found[-1].append(turn)
    return found


def to_merge(live: Sequence[Episode], adjoin: Callable[[Episode, Episode], bool]) -> list[Episode]:
    """The oldest four that follow each other, of the lowest level of which eight are live; else none.

    `adjoin` tells whether there is nothing between two episodes: what is to be folded again must not be merged over.
    """
    for level in sorted({each.level for each in live}):
        if sum(each.level == level for each in live) < LIVE_EPISODES:
            continue
        for run in (live[first : first + MERGED_TOGETHER] for first in range(len(live) - MERGED_TOGETHER + 1)):
            if all(each.level == level for each in run) and all(map(adjoin, run, run[1:])):
                return list(run)
    return []


def _tokens(exchange: Sequence[Size]) -> int:
    return sum(turn.tokens for turn in exchange)
