"""When the buffer is folded and what a fold takes."""

import dataclasses

import pytest

from memory_service.fold_worker import Pace
from memory_service.folding import Limits, exchanges, to_merge
from memory_service.settings import Settings
from memory_service.stores.branches import Branch, Path, Segment
from memory_service.stores.episodes import Episode
from memory_service.stores.turns import Size

BY_TOKENS = Limits(k=None, high_tokens=3000, low_tokens=1500, source_tokens=4000)
BY_TURNS = dataclasses.replace(BY_TOKENS, k=4)


def branch_of(*tokens: int) -> tuple[Branch, list[Size]]:
    """A branch whose unfolded turns have so many tokens."""
    sizes = [Size(f"turn_{depth}", 1, depth, size, True) for depth, size in enumerate(tokens, start=1)]
    branch = Branch(1, "conv_1", None, 0, len(sizes), 0, len(sizes), sum(tokens), 500.0)
    return branch, sizes


def merged(*levels: int, gap_before: int | None = None) -> list[int]:
    """Which of live episodes of these levels, counted from 1, are merged; before one there may be a gap."""
    live = [
        Episode(str(n), "c", 1, level, n, n, "", 0, None, None, None, 0, 0.0, "m", None, None, 0.0)
        for n, level in enumerate(levels, start=1)
    ]
    return [each.depth_from for each in to_merge(live, lambda one, other: other.depth_from != gap_before)]


def taken(limits: Limits, *tokens: int, attempts: int = 0) -> int:
    branch, sizes = branch_of(*tokens)
    return len(limits.chunk(branch, sizes, attempts)) if limits.fold_is_due(branch) else 0


@pytest.mark.parametrize(
    ("tokens", "folded"),
    [
        ((1000, 1000, 1000), 0),
        ((1000, 1000, 1001), 2),
        ((500,) * 7, 4),
        ((9000,), 0),
        ((9000, 9000), 1),
        ((100, 9000), 1),
        ((3000, 2000, 2000), 1),
    ],
)
def test_by_tokens_a_fold_takes_the_oldest_down_to_the_low_mark(tokens: tuple[int, ...], folded: int) -> None:
    assert taken(BY_TOKENS, *tokens) == folded


@pytest.mark.parametrize(("turns", "folded"), [(4, 0), (5, 3), (6, 4), (12, 10)])
def test_by_turns_a_fold_takes_the_oldest_down_to_half_of_k(turns: int, folded: int) -> None:
    assert taken(BY_TURNS, *[10] * turns) == folded


def test_with_k_of_one_only_the_newest_turn_stays() -> None:
    assert taken(dataclasses.replace(BY_TOKENS, k=1), 10, 10) == 1


def test_after_failures_a_fold_takes_less() -> None:
    assert [taken(BY_TOKENS, *[500] * 12, attempts=attempts) for attempts in (0, 2, 4, 6, 50)] == [8, 4, 2, 1, 1]


def test_what_a_fold_may_read_is_in_the_tokens_of_the_model_that_reads_it() -> None:
    assert [taken(BY_TOKENS.counted_at(ratio), *[500] * 12) for ratio in (0.8, 1.0, 1.34, 2.0)] == [9, 8, 5, 4]


def test_a_fold_takes_whole_exchanges_and_counts_them() -> None:
    branch, sizes = branch_of(*[10] * 12)
    sizes = [dataclasses.replace(size, opens=size.depth % 2 == 1) for size in sizes]
    branch = dataclasses.replace(branch, unfolded_turns=6)

    by_turns = BY_TURNS.chunk(branch, sizes, 0)
    by_room = dataclasses.replace(BY_TURNS, source_tokens=30).chunk(branch, sizes, 0)
    of_a_gap = dataclasses.replace(BY_TURNS, source_tokens=50).piece(sizes, 0)

    assert [len(by_turns), len(by_room), len(of_a_gap)] == [8, 2, 4]
    assert [len(each) for each in exchanges(sizes[1:4])] == [1, 2]


def test_adaptive_k_follows_the_length_of_turns() -> None:
    branch, _ = branch_of(500)

    assert BY_TOKENS.adaptive_k(branch) == 6
    assert BY_TOKENS.adaptive_k(dataclasses.replace(branch, smoothed_tokens=9000.0)) == 1
    assert BY_TURNS.adaptive_k(branch) == 4


def test_eight_episodes_of_a_level_are_merged_the_lowest_level_first() -> None:
    assert merged(*[0] * 7) == []
    assert merged(*[1] * 8, *[0] * 8) == [9, 10, 11, 12]
    assert merged(*[1] * 8, *[0] * 3) == [1, 2, 3, 4]


def test_only_episodes_that_follow_each_other_are_merged() -> None:
    assert merged(1, 1, 0, 0, 1, 1, 1, 1, 1, 1) == [5, 6, 7, 8]
    assert merged(*[0] * 8, gap_before=3) == [3, 4, 5, 6]
    assert merged(*[0, 0, 0, 1] * 3) == []


def test_pauses_double_up_to_the_longest_with_jitter() -> None:
    pace = Pace(workers=1, lease=1, first_retry=2, longest_retry=600)

    assert [pace.pause(attempts, 1.0) for attempts in (0, 1, 2, 20, 10_000)] == [2, 4, 8, 600, 600]
    assert pace.pause(1, 0.0) == 2


def test_a_path_holds_a_branch_up_to_where_the_next_forks_off() -> None:
    path = Path((Segment(2, 3, 5), Segment(1, 0, 3)))

    assert [path.holds(1, 3), path.holds(1, 4), path.holds(2, 5), path.holds(2, 6)] == [True, False, True, False]
    assert path.between(2, 4) == [Segment(2, 3, 4), Segment(1, 2, 3)]


@pytest.mark.parametrize(
    "wrong", [{"fold_lease_seconds": 10, "summarizer_timeout_seconds": 10}, {"fold_low_tokens": 3000}], ids=str
)
def test_settings_that_contradict_each_other_stop_the_start(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="FOLD_"):
        Settings(**wrong)
