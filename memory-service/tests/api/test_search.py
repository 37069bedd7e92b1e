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
    ("bounds", "found"),
    [
        ({}, ["first", "second", "third"]),
        ({"from": 1_760_000_120}, ["second", "third"]),
        ({"from": "2025-10-09T08:55:20Z"}, ["second", "third"]),
        ({"from": "2025-10-09T10:55:20.5+02:00"}, ["third"]),
        ({"to": 1_760_000_180.0}, ["first", "second"]),
        ({"from": 1_760_000_060, "to": "2025-10-09 08:55:20"}, ["first"]),
        ({"from": "2025-10-09", "to": "2025-10-10"}, ["first", "second", "third"]),
        ({"from": "2025-10-10"}, []),
        ({"to": "0001-01-01T00:00:00+14:00"}, []),
        ({"to": "9999-12-31T23:59:59-14:00"}, ["first", "second", "third"]),
    ],
)
def test_search_can_be_narrowed_to_a_time(memory: Memory, bounds: dict[str, object], found: list[str]) -> None:
    talk = Talk(f"user_search_{bounds}")
    for name in ("first", "second", "third"):
        memory.deliver(talk.turn(f"The {name} walk in the mountains."))

    turns = memory.search("mountains", talk.owner, **bounds)

    assert sorted(turn["user"].split()[1] for turn in turns) == found


def test_search_can_be_narrowed_to_what_one_of_both_said(memory: Memory) -> None:
    talk = Talk("user_search5")
    memory.deliver(talk.turn("My falcon flies.", "How nice."), talk.turn("Hello.", "A falcon sits there."))

    by_user = memory.search("falcon", "user_search5", role="user")
    by_assistant = memory.search("falcon", "user_search5", role="assistant")

    assert [turn["id"] for turn in by_user] == talk.turns[:1]
    assert [turn["id"] for turn in by_assistant] == talk.turns[1:]


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
        ({"q": "a", "role": "system"}, 422),
        ({"q": "a", "from": "yesterday"}, 422),
        ({"q": "a", "from": "-1"}, 422),
        ({"q": "a", "to": "nan"}, 422),
        ({"q": "a", "to": "inf"}, 422),
        ({"q": "a", "to": "1e12"}, 422),
        ({"q": "a", "conversation": "c" * 65}, 422),
    ],
)
def test_a_search_that_is_not_valid_is_refused(memory: Memory, params: dict[str, object], status: int) -> None:
    assert memory.get("/v1/memory/search", **params).status_code == status
