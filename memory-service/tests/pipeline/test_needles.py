"""A fact is found again though the answers around it are long: a long turn stands in the index as passages."""

from collections.abc import Iterator

import pytest

from benchmarks.memory.lab import Lab
from benchmarks.memory.needles import Planted, haystack, hunted
from benchmarks.memory.talks import Talk

TURNS = 150
NEEDLES = 25


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("needles"), fold_high_tokens=10**9) as lab:
        yield lab


def test_needles_among_long_answers_are_found_by_search_and_fit_into_the_context(lab: Lab) -> None:
    talk, planted = Talk(), list[Planted]()
    lab.deliver(*haystack(talk, TURNS, NEEDLES, planted))

    recalled, searched = hunted(lab, talk, planted)

    assert set(planted) == recalled | searched
    assert len(recalled) >= 0.9 * NEEDLES  # not so where 1,500 tokens of recall hold one whole turn, or none
    assert {each.by_user for each in planted} == {True, False}


def test_a_turn_is_found_by_two_words_that_have_each_become_common_since(lab: Lab) -> None:
    talk = Talk("user_common")
    needle = talk.turn("The violin lies in the cellar.")
    since = [talk.turn(f"The {word} again, number {number}.") for word in ("violin", "cellar") for number in range(600)]
    lab.deliver(needle, *since)

    with lab.http(talk.owner) as user:
        answer = user.get("/v1/memory/search", params={"q": "Which violin is in the cellar?"}).raise_for_status()

    assert answer.json()["data"][0]["id"] == needle["data"]["turn_id"]
