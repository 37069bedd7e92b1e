"""Search finds exact turns by their words, whatever is asked."""

import pytest

from ..conftest import Memory, Talk


def test_the_best_match_comes_first_and_stop_words_do_not_count(memory: Memory) -> None:
    talk = Talk("user_search1")
    memory.deliver(
        talk.turn("What is the best way to the station?", "The one by the river."),
        talk.turn("My dentist is Doctor Okafor.", "Noted."),
    )

    found = memory.search("Who is the dentist of mine?", "user_search1")

    assert found[0]["id"] == talk.turns[1]
    assert found[0]["user"] == "My dentist is Doctor Okafor."
    assert memory.search("what is the of and", "user_search1") == []


def test_a_turn_is_found_by_what_was_said_just_before_it(memory: Memory) -> None:
    talk = Talk("user_search2")
    memory.deliver(talk.turn("Let us talk about my saxophone."), talk.turn("It cost 900 euros."), talk.turn("Bye."))

    found = memory.search("price of the saxophone: cost?", "user_search2")

    assert found[0]["id"] == talk.turns[1]


def test_search_is_limited_and_can_be_narrowed_to_one_conversation(memory: Memory) -> None:
    talks = [Talk("user_search3") for _ in range(3)]
    for talk in talks:
        memory.deliver(talk.turn("A walk in the mountains."))

    page = memory.get("/v1/memory/search", "user_search3", q="mountains", limit=2).json()
    narrowed = memory.search("mountains", "user_search3", conversation=talks[0].id)

    assert (len(page["data"]), page["has_more"], page["object"]) == (2, True, "list")
    assert [each["conversation_id"] for each in narrowed] == [talks[0].id]


@pytest.mark.parametrize(
    "query",
    ['"', "scope: x*", "NEAR(a b)", "falcon OR", "(falcon", "falcon\u0000x", "-falcon", "ﬁ", "🦅 falcon", "'; --"],
)
def test_nothing_a_user_writes_is_query_syntax(memory: Memory, query: str) -> None:
    talk = Talk("user_search4")
    memory.deliver(talk.turn("The falcon flies."))

    answer = memory.get("/v1/memory/search", "user_search4", q=query)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"q": ""}, 422),
        ({"q": "a", "limit": 0}, 422),
        ({"q": "a", "limit": 101}, 422),
        ({"q": "a" * 1001}, 422),
    ],
)
def test_a_search_that_is_not_valid_is_refused(memory: Memory, params: dict[str, object], status: int) -> None:
    assert memory.get("/v1/memory/search", **params).status_code == status
