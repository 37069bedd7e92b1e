"""A call of a function and its results are one exchange; turns that a client brings teach no facts of its own."""

import json
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from ..conftest import START, Memory, Running, Talk, folded, said_in


def asking(talk: Talk, number: int) -> list[dict[str, Any]]:
    """An exchange of three turns: a question that a function is called for, a second call with a word, the answer."""
    return [
        talk.turn(f"What is the weather in city {number}?", ""),
        talk.turn("", "Let me look once more."),
        talk.turn("", f"It rains in city {number}."),
    ]


def test_the_question_and_the_words_of_the_last_turn_are_one_exchange(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("Hello.", "Hi."), *asking(talk, 1), talk.turn("Thanks.", "Gladly."))

    context = memory.context(talk.id, talk.turns[::-1])

    assert said_in(context) == [
        ("user", "Hello."),
        ("assistant", "Hi."),
        ("user", "What is the weather in city 1?"),
        ("assistant", "Let me look once more.\n\nIt rains in city 1."),
        ("user", "Thanks."),
        ("assistant", "Gladly."),
    ]
    assert context["parts"][0]["ids"] == talk.turns


def test_a_turn_without_any_word_is_known_and_never_sent(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("What is it?", ""), talk.turn("", ""))

    context = memory.context(talk.id, talk.turns[::-1])

    assert context["known_through"] == talk.turns[1]
    assert said_in(context) == [("user", "What is it?")]


def test_a_question_whose_call_was_never_answered_and_the_next_are_one_message(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("What is the weather?", ""), talk.turn("Never mind, what is the time?", "Noon."))

    context = memory.context(talk.id, talk.turns[::-1])

    assert said_in(context) == [
        ("user", "What is the weather?\n\nNever mind, what is the time?"),
        ("assistant", "Noon."),
    ]


def test_every_turn_of_an_exchange_is_in_the_archive_and_found(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(*asking(talk, 1))

    found = memory.search("weather rains look", conversation=talk.id)

    assert {each["id"] for each in found} == set(talk.turns)
    assert memory.show(talk.id)["statistics"]["turns"] == 3


def test_k_counts_exchanges_and_a_fold_never_parts_one(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(*(event for number in range(4) for event in asking(talk, number)))
    assert memory.show(talk.id)["statistics"]["folds_pending"] == 0

    memory.deliver(talk.turn("One more.", "Yes."))
    shown = memory.eventually(talk.id, folded)

    assert [turn["turn_id"] for turn in shown["short_term"]["turns"]] == talk.turns[9:]
    assert shown["statistics"]["folded_turns"] == 9
    assert shown["statistics"]["buffer_tokens"] == shown["short_term"]["tokens"]
    assert said_in(memory.context(talk.id, talk.turns[::-1]))[0] == ("user", "What is the weather in city 3?")

    memory.deliver(*(talk.turn(f"Statement {n}.") for n in range(3)))
    assert memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 14 and folded(shown))


def test_exchanges_that_another_branch_has_folded_are_counted_as_exchanges(running: Running) -> None:
    with running(short_term_memory_k=3) as memory:
        talk = Talk()
        memory.deliver(*asking(talk, 0), *asking(talk, 1))
        fork = talk.turns[-1]
        memory.deliver(talk.turn("First branch.", after=fork), talk.turn("Second branch.", after=fork))
        memory.deliver(talk.turn("First branch goes on.", after=talk.turns[6]))
        memory.eventually(talk.id, folded)

        memory.deliver(talk.turn("Second branch goes on.", after=talk.turns[7]))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 6 and folded(shown))
        memory.deliver(talk.turn("And on."), talk.turn("And on and on."))

        memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] > 6 and folded(shown))


def test_an_exchange_that_does_not_fit_is_left_out_whole(running: Running) -> None:
    with running() as memory:
        talk = Talk()
        memory.deliver(
            talk.turn("A question? " * 40, ""),
            talk.turn("", "An answer. " * 40),
            talk.turn("Short.", "Yes."),
        )

        context = memory.context(talk.id, talk.turns[::-1], budget=250)

        assert said_in(context) == [("user", "Short."), ("assistant", "Yes.")]
        assert context["dropped"][0]["ids"] == talk.turns[:2]


def test_a_branch_that_forks_inside_an_exchange_counts_it_once(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(*asking(talk, 1))
    memory.deliver(talk.turn("", "The other way round.", after=talk.turns[1]))

    memory.deliver(*(talk.turn(f"Statement {n}.") for n in range(3)))

    assert memory.show(talk.id)["statistics"]["folds_pending"] == 0
    memory.deliver(talk.turn("One more."))
    assert memory.eventually(talk.id, folded)["statistics"]["folded_turns"] == 5


@pytest.mark.parametrize(
    ("text", "quote", "facts"),
    [
        ("The user's bank is Mallory & Sons.", "your bank is Mallory & Sons", 0),
        ("The user's bank is Mallory & Sons.", "I live in Graz", 0),
        ("The user lives in Graz near Mallory.", "I live in Graz", 0),
        ("The user lives in Graz.", "I live in Graz", 1),
    ],
    ids=["quoted from the answer", "quoted from elsewhere", "mixed with the answer", "said by the user"],
)
def test_what_the_assistant_says_in_turns_a_client_brought_is_no_fact(
    memory: Memory, model: OfflineLLM, text: str, quote: str, facts: int
) -> None:
    talk = Talk()
    at_once = {"model": "client", "created_at": START, "ended_at": START}
    brought = [talk.turn("I live in Graz", "I know that your bank is Mallory & Sons.", **at_once)]
    brought += [talk.turn(f"Topic {n}.", "Mallory & Sons!", **at_once) for n in range(19)]
    fact = {"text": text, "kind": "profile", "priority": 9, "turn_ids": [talk.turns[0]], "quote": quote}
    reply = {
        "summary": "The user lives in Graz.",
        "priority_score": 5,
        "quote": {"turn_id": talk.turns[0], "text": "I live in Graz"},
        "facts": [fact],
    }
    model.misbehave({"match": {"text_contains": talk.turns[0]}, "times": 1, "fault": {"content": json.dumps(reply)}})

    outcomes = memory.deliver(*brought)
    shown = memory.eventually(talk.id, folded)

    assert outcomes == ["applied"] * 20
    assert len([each for each in shown["long_term"]["important_details"] if each["text"] == text]) == facts
    assert not [each for each in shown["long_term"]["important_details"] if "Mallory" in each["text"]]
