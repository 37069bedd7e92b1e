"""Tokens without a vocabulary."""

import pytest

from chassis.tokens import estimate_tokens, shortened


@pytest.mark.parametrize("text", ["a" * 1_000, "ä" * 1_000, "🙂" * 1_000])
@pytest.mark.parametrize("tokens", [10, 11, 100])
def test_a_shortened_text_is_within_its_tokens_and_has_both_ends(text: str, tokens: int) -> None:
    short = shortened(text, tokens)

    assert estimate_tokens(short) <= tokens
    assert (short[0], short[-1]) == (text[0], text[-1])
    assert "[...]" in short


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert shortened("twelve words", 3) == "twelve words"
