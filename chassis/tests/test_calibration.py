"""Ratios of counted to estimated tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.calibration import HALF_LIFE_TOKENS, LEAST_RATIO, MOST_RATIO, Calibration, TokenRatios, estimated

ANY_NUMBER = st.integers(-(2**70), 2**70)
PROMPTS = st.lists(st.tuples(st.integers(50, 300_000), st.integers(1, 2_000_000)), max_size=60)


def after(*prompts: tuple[int, int]) -> Calibration:
    """What is known after prompts of so many estimated and counted tokens."""
    calibration = Calibration()
    for prompt in prompts:
        calibration = calibration.heard(*prompt)
    return calibration


@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER), max_size=60))
def test_whatever_a_provider_says_the_ratio_stays_within_its_bounds(prompts: list[tuple[int, int]]) -> None:
    calibration = after(*prompts)

    assert LEAST_RATIO <= calibration.ratio <= MOST_RATIO


@given(PROMPTS, st.integers(50, 300_000), st.integers(1, 2_000_000))
def test_a_prompt_moves_the_ratio_towards_its_own_and_never_beyond(
    before: list[tuple[int, int]], ours: int, theirs: int
) -> None:
    old, own = after(*before).ratio, min(max(theirs / ours, LEAST_RATIO), MOST_RATIO)

    new = after(*before, (ours, theirs)).ratio

    assert min(old, own) - 1e-9 <= new <= max(old, own) + 1e-9


@given(PROMPTS)
def test_an_old_ratio_is_forgotten_within_a_few_half_lives(before: list[tuple[int, int]]) -> None:
    changed = [(4_000, 6_000)] * (10 * HALF_LIFE_TOKENS // 4_000)

    ratio = after(*before, *changed).ratio

    assert ratio == pytest.approx(1.5, rel=0.005)


@pytest.mark.parametrize("prompt", [(0, 0), (49, 98), (-1_000, 2_000), (1_000, 0), (1_000, -5)])
def test_nothing_is_learnt_from_tiny_prompts_and_figures_that_are_none(prompt: tuple[int, int]) -> None:
    calibration = after((1_000, 1_200))

    assert calibration.heard(*prompt) is calibration


def test_a_single_prompt_decides_nothing_however_long_it_is() -> None:
    known = after(*[(2_000, 2_000)] * 50)

    assert known.heard(200_000, 600_000).ratio < 1.25


def test_a_long_prompt_counts_for_more_than_a_short_one() -> None:
    known = after((2_000, 2_000))

    assert known.heard(4_000, 8_000).ratio > known.heard(100, 200).ratio > known.ratio


def test_a_model_that_nothing_was_heard_of_has_the_ratio_one() -> None:
    ratios = TokenRatios({"heard/of": Calibration(1_000, 1_300)})

    assert (ratios.of("heard/of"), ratios.of("never/heard-of")) == (1.3, 1.0)


def test_small_changes_are_not_put_to_use_until_they_add_up() -> None:
    ratios = TokenRatios({"a/model": Calibration(1_000, 1_300)})

    used = []
    for counted in (1_320, 1_340, 1_360, 1_370, 1_380, 1_300):
        ratios.learnt("a/model", Calibration(1_000, counted))
        used.append(ratios.of("a/model"))

    assert used == [1.3, 1.3, 1.3, 1.37, 1.37, 1.3]


@given(st.integers(0, 10**9), st.floats(LEAST_RATIO, MOST_RATIO))
def test_a_budget_in_estimated_tokens_never_passes_the_one_in_the_models_own(tokens: int, ratio: float) -> None:
    ours = estimated(tokens, ratio)

    assert tokens - ratio - 1e-3 <= ours * ratio <= tokens * (1 + 1e-12)
