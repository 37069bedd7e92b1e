"""When the short-term memory is folded, and which turns a fold takes. Pure rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from memory_service.stores.branches import Branch
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
    """Turns when `k` is set, tokens otherwise; a fold reads at most `source_tokens`."""

    k: int | None
    high_tokens: int
    low_tokens: int
    source_tokens: int

    def fold_is_due(self, branch: Branch) -> bool:
        """Whether the buffer is over its limit. The newest turn is never folded."""
        if self.k is not None:
            return branch.unfolded_turns > self.k
        return branch.unfolded_tokens > self.high_tokens and branch.unfolded_turns > 1

    def chunk(self, branch: Branch, oldest: Sequence[Size], attempts: int) -> list[Size]:
        """The turns of `oldest` that the next fold takes, at least one; fewer after failures."""
        share = min(2 ** (attempts // TRIES_BEFORE_SMALLER), SMALLEST_SHARE)
        turns_left, tokens_left, room = branch.unfolded_turns, branch.unfolded_tokens, self.source_tokens // share
        chosen: list[Size] = []
        for turn in oldest:
            enough = turns_left <= -(-self.k // 2) if self.k is not None else tokens_left <= self.low_tokens
            if turns_left <= 1 or (chosen and (enough or turn.tokens > room)):
                break
            chosen.append(turn)
            turns_left, tokens_left, room = turns_left - 1, tokens_left - turn.tokens, room - turn.tokens
        return chosen

    def adaptive_k(self, branch: Branch) -> int:
        """How many turns the short-term memory holds at the present length of turns."""
        if self.k is not None:
            return self.k
        if not branch.smoothed_tokens:
            return LARGEST_K
        return max(1, min(LARGEST_K, round(self.high_tokens / branch.smoothed_tokens)))


def level_to_merge(levels: Sequence[int]) -> int | None:
    """The lowest level with so many live episodes that its oldest are merged."""
    return next((level for level in sorted(set(levels)) if levels.count(level) >= LIVE_EPISODES), None)
