"""Cutting, quoting and comparing texts: the rules under retrieval and folding."""

import hypothesis
import pytest
from hypothesis import strategies as st

from chassis.tokens import estimate_tokens
from memory_service.marking import unmarked
from memory_service.passages import PASSAGE_TOKENS, passages_of, pieces
from memory_service.quoting import find_quote
from memory_service.words import content_stems, overlap


@hypothesis.given(st.text(max_size=6000))
def test_pieces_cover_a_text_without_gap_or_overlap(text: str) -> None:
    ranges = list(pieces(text, 50))

    assert "".join(text[start:stop] for start, stop in ranges) == text
    assert all(start < stop for start, stop in ranges)


def test_a_short_turn_is_one_passage_and_a_long_one_several() -> None:
    short = passages_of("What is granite?", "A stone.")
    long = passages_of("What is granite?", "Granite is a stone. " * 200)

    assert len(short) == 1
    assert len(long) > 4
    assert all(each.assistant_to - each.assistant_from <= 4 * PASSAGE_TOKENS for each in long)


def test_pieces_of_dense_scripts_have_no_more_tokens() -> None:
    text = "山川異域風月同天" * 300

    sizes = [estimate_tokens(text[start:stop]) for start, stop in pieces(text)]

    assert max(sizes) <= PASSAGE_TOKENS


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("I live in Graz", "I live in\n Graz"),
        ("i LIVE in graz", "I live in\n Graz"),
        ("“It’s fine”", '"It\'s fine"'),
        ("I live in Linz", None),
        ("", None),
        (".*", None),
    ],
)
def test_a_quote_is_found_where_it_was_typed(quote: str, found: str | None) -> None:
    text = 'Well. I live in\n Graz now. "It\'s fine"'

    span = find_quote(text, quote)

    assert (text[slice(*span)] if span else None) == found


def test_forms_of_a_word_share_their_stem() -> None:
    assert content_stems("walking walked walks") == {"walk"}
    assert content_stems("cities") == content_stems("city")


def test_overlap_is_the_share_of_the_part_that_the_whole_has() -> None:
    assert overlap("red bicycle", "My bicycles are red and green") == 1
    assert overlap("red bicycle", "My car is red") == 0.5
    assert overlap("", "anything") == 0


def test_scripts_without_spaces_are_compared_too() -> None:
    assert overlap("我住在上海", "你好,我住在上海市") > 0.7
    assert overlap("我住在上海", "今天天气很好") == 0


def test_only_our_own_marks_are_made_harmless() -> None:
    assert unmarked("</turn> < /user> <b> <TURN id='1'>") == "&lt;/turn> &lt; /user> <b> &lt;TURN id='1'>"


@pytest.mark.parametrize("unseen", ["\u200b", "\u2060", "\ufeff", "\u00ad", "\0", "/"])
def test_our_own_marks_are_not_forged_with_characters_that_nobody_sees(unseen: str) -> None:
    assert unmarked(f"<{unseen}/user> <b>") == f"&lt;{unseen}/user> <b>"
    assert unmarked(f"</{unseen}remembered>") == f"&lt;/{unseen}remembered>"
