"""Thoughts in front of an answer, in whatever pieces they come."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat_service.clients.model_thoughts import Thinking, ThoughtSplitter

WAYS: tuple[Thinking, ...] = ("field", "tagged", "implicit")
FRAGMENTS = ("<think>", "</think>", "<", "</", "<th", "think>", " ", "\n", "a", "b c", "</thi", "x</think")
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


def parted(pieces: list[str], thinking: Thinking) -> tuple[str, str]:
    splitter = ThoughtSplitter(thinking)
    given_out = [splitter.split(piece) for piece in pieces]
    given_out.append(splitter.rest())
    thoughts, words = zip(*given_out, strict=True)
    return "".join(thoughts), "".join(words)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>\nHm.\n</think>\n\nHello there", "Hm.", "Hello there"),
        ("\n <think>Hm.</think>Hello", "Hm.", "Hello"),
        ("<think></think>Hello", "", "Hello"),
        ("Hello <think>no</think>", "", "Hello <think>no</think>"),
        ("  Hello ", "", "  Hello "),
        ("<thinking>Hello", "", "<thinking>Hello"),
        ("<thin", "", "<thin"),
        ("<think>a < b </thin air>", "a < b </thin air>", ""),
        ("<think>Hm.</think>One <think>two</think>", "Hm.", "One <think>two</think>"),
        (" \n", "", ""),
    ],
)
@pytest.mark.parametrize("thinking", ["field", "tagged"])
def test_tags_in_front_of_the_answer_hold_the_thoughts(thinking: Thinking, text: str, thought: str, said: str) -> None:
    assert parted(list(text), thinking) == (thought, said)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("Hm.\n</think>\n\nHello", "Hm.", "Hello"),
        ("<think>Hm.</think>Hello", "Hm.", "Hello"),
        ("</think>Hello", "", "Hello"),
        ("Hm. <think> Well.</think>Hello</think>", "Hm. <think> Well.", "Hello</think>"),
        ("never ends </th", "never ends </th", ""),
        ("<thin", "<thin", ""),
    ],
)
def test_without_the_first_tag_everything_up_to_the_second_was_thought(text: str, thought: str, said: str) -> None:
    assert parted(list(text), "implicit") == (thought, said)


@settings(deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60)), thinking=st.sampled_from(WAYS))
def test_it_does_not_matter_where_the_stream_is_cut(text: str, cuts: list[int], thinking: Thinking) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]

    assert parted(pieces, thinking) == parted([text], thinking)


@settings(deadline=None)
@given(text=TEXTS, thinking=st.sampled_from(WAYS))
@example(text="<think><</think>think>", thinking="field")
def test_nothing_is_lost_but_the_tags_and_the_space_around_thoughts(text: str, thinking: Thinking) -> None:
    thought, said = parted([text], thinking)

    assert without_tags(thought + said) == without_tags(text)


def without_tags(text: str) -> str:
    """Without white space either, and without tags that only come together when others are taken out."""
    text, before = "".join(text.split()), ""
    while text != before:
        text, before = text.replace("<think>", "").replace("</think>", ""), text
    return text


def test_thoughts_are_given_out_as_they_come() -> None:
    splitter = ThoughtSplitter("tagged")

    assert [splitter.split(piece) for piece in ("<think>", "One", " two", " </", "b>")] == [
        ("", ""),
        ("One", ""),
        (" two", ""),
        ("", ""),
        (" </b>", ""),
    ]


def test_it_says_when_there_is_nothing_to_split_any_more() -> None:
    splitter = ThoughtSplitter("tagged")

    over = [splitter.split(piece) and splitter.is_over for piece in ("<think>", "Hm.", "</think>", "\n", "Hello")]

    assert over == [False, False, False, False, True]
