"""Titles made of first words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.titles import MOST_CHARACTERS, first_words, in_one_line


def test_a_short_text_is_its_own_title() -> None:
    assert first_words("  My dog\n is\tcalled Rex. ") == "My dog is called Rex."


def test_a_long_text_is_cut_at_a_word() -> None:
    assert first_words("word " * 100) == "word " * 15 + "word…"
    assert first_words("w" * 100) == "w" * 79 + "…"


@pytest.mark.parametrize("text", ["", " \n\t", "\u202e\u200b\x00"])
def test_of_nothing_there_is_no_title(text: str) -> None:
    assert first_words(text) is None


def test_what_cannot_be_seen_is_left_out() -> None:
    assert in_one_line("a\u202eb\x07c\ufeff d\u2028e\u0085f") == "abc d e f"


@given(st.text(max_size=3_000))
def test_a_title_is_one_visible_line_that_fits(text: str) -> None:
    title = first_words(text)

    assert title is None or (0 < len(title) <= MOST_CHARACTERS and len(title.splitlines()) == 1)
    assert title is None or in_one_line(title) == title
