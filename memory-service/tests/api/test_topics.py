"""Forgetting by topic: what has all of its words goes for good, with all that was made of it, and nothing else."""

import json
from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import (
    CANARY,
    Memory,
    Running,
    Talk,
    asked_about,
    files_with_canary,
    folded,
    go_on,
    held,
    long_text,
    said_in,
)
from ..curator import Curator, folds_to


def forget(memory: Memory, topic: str, owner: str = "user_1", **more: Any) -> Any:
    answer = memory.forget_topic(topic, owner, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def facts(memory: Memory, owner: str = "user_1") -> list[str]:
    found = memory.get("/v1/memory/facts", owner, status="any", limit=100).json()["data"]
    return sorted(fact["text"] for fact in found)


def turn_ids(receipt: Any) -> list[str]:
    return [turn["id"] for turn in receipt["turns"]]


def lessons(memory: Memory, talk: Talk) -> list[str]:
    """A folded conversation of eight turns; returns the two that are about the violin."""
    memory.deliver(
        talk.turn("My dog is called Bruno."),
        talk.turn(f"My violin teacher is called {CANARY}. My piano is old.", "A good teacher."),
        talk.turn("My sister lives in Oslo."),
        talk.turn("I have two bicycles."),
        *(talk.turn(f"I bought {number} apples.") for number in range(3)),
        talk.turn(f"Is {CANARY} a good violin teacher?", "I think so."),
    )
    assert CANARY in json.dumps(memory.eventually(talk.id, folded)["long_term"])
    return [talk.turns[1], talk.turns[7]]


def test_a_topic_goes_with_all_that_was_made_of_it_and_leaves_no_byte(running: Running, settings: Settings) -> None:
    talk = Talk()
    with running() as memory:
        on_topic = lessons(memory, talk)

        receipt = forget(memory, "violin teacher")

        assert receipt["object"] == "memory.forgetting"
        assert turn_ids(receipt) == on_topic
        assert receipt["turns"][0]["user"] == f"My violin teacher is called {CANARY}. My piano is old."
        gone = [f"My violin teacher is called {CANARY}.", "My piano is old."]
        assert sorted(fact["text"] for fact in receipt["facts"]) == sorted(gone)
        assert receipt["episodes"] >= 1
        assert memory.search(CANARY) == memory.search("violin") == []
        context = memory.context(talk.id, talk.turns[::-1], f"Who is {CANARY}?")
        assert context["known_through"] == talk.turns[-1]
        assert said_in(context)
        assert CANARY not in json.dumps(context)
        again = memory.eventually(talk.id, lambda shown: folded(shown) and "Bruno" in json.dumps(shown["long_term"]))
        assert CANARY not in json.dumps(again)
        assert again["statistics"]["turns"] == 6
        assert any("Bruno" in fact for fact in facts(memory))
        assert not any("piano" in fact for fact in facts(memory))
        eventually(lambda: not files_with_canary(settings.service_data))


def test_a_dry_run_says_what_would_go_and_changes_nothing(running: Running) -> None:
    talk = Talk()
    with running() as memory:
        lessons(memory, talk)
        before = memory.show(talk.id), facts(memory), memory.search(CANARY)

        tried = forget(memory, "violin teacher", dry_run=True)

        assert (memory.show(talk.id), facts(memory), memory.search(CANARY)) == before
        assert tried["dry_run"]
        assert tried["turns"]
        assert len(tried["facts"]) == 2
        assert forget(memory, "violin teacher") == {**tried, "dry_run": False}
        assert forget(memory, "violin teacher")["turns"] == []


def test_what_has_only_some_of_the_words_stays(memory: Memory) -> None:
    talk = Talk("user_topic1")
    memory.deliver(talk.turn("The violin is old."), talk.turn("My teacher is old."), talk.turn("Goodbye."))

    receipt = forget(memory, "the violin of my teacher", "user_topic1")

    assert receipt["turns"] == []
    assert len(memory.search("violin teacher", "user_topic1")) == 2


@pytest.mark.parametrize(
    ("user", "assistant", "topic"),
    [
        ("I play the violin.", "Who is your teacher?", "violin teachers"),
        (f"{long_text('violin')} {long_text('harbour')}", long_text("teacher"), "teacher violin"),
        ("Ich habe eine Geige gekauft und sie ist sehr alt.", "Schön.", "Geigen"),
        ("我昨天买了一把小提琴。", "好的。", "小提琴"),
        ("我家的猫很可爱。", "好的。", "猫"),
        ("اشتريت الكمان أمس", "حسنا", "كمان"),
    ],
)
def test_words_count_in_any_form_and_wherever_they_stand_in_the_turn(
    memory: Memory, user: str, assistant: str, topic: str
) -> None:
    talk = Talk(f"user_form_{topic}")
    memory.deliver(talk.turn("Something else."), talk.turn(user, assistant))

    receipt = forget(memory, topic, talk.owner)

    assert turn_ids(receipt) == [talk.turns[1]]
    assert memory.context(talk.id, talk.turns[::-1], owner=talk.owner)["known_through"] == talk.turns[1]


def test_the_day_on_which_something_was_said_is_no_word_of_it(memory: Memory) -> None:
    talk = Talk("user_topic2")
    memory.deliver(talk.turn("The apples are ripe."), talk.turn("I was born in October."))

    receipt = forget(memory, "october", "user_topic2")

    assert turn_ids(receipt) == [talk.turns[1]]


def test_a_topic_can_be_forgotten_in_one_conversation_only(memory: Memory) -> None:
    here, there = Talk("user_topic3"), Talk("user_topic3")
    memory.deliver(here.turn("The falcon flies."), there.turn("The falcon sleeps."))
    memory.deliver(there.turn("What does the falcon do?", "", status="failed"))

    receipt = forget(memory, "falcon", "user_topic3", conversation=here.id)
    rest = forget(memory, "falcon", "user_topic3")

    assert turn_ids(receipt) == here.turns
    assert turn_ids(rest) == there.turns


def test_nobody_forgets_for_somebody_else(memory: Memory) -> None:
    talk = Talk("user_topic4")
    memory.deliver(talk.turn("The falcon flies."))

    receipt = forget(memory, "falcon", "user_topic5")
    refused = memory.forget_topic("falcon", "user_topic5", conversation=talk.id)

    assert receipt["turns"] == []
    assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_remembered")
    assert [each["id"] for each in memory.search("falcon", "user_topic4")] == talk.turns


def test_who_has_departed_forgets_nothing_more(memory: Memory) -> None:
    memory.merge("user_topic8", "user_topic9")

    answers = [memory.forget_topic("falcon", "user_topic8", dry_run=dry_run) for dry_run in (True, False)]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"topic": "what is the of and"}, 422, "topic_says_nothing"),
        ({"topic": "?!"}, 422, "topic_says_nothing"),
        ({"topic": ""}, 422, "invalid_request"),
        ({"topic": "a" * 201}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ({"topic": "violin", "dry_run": "yes"}, 422, "invalid_request"),
        ({"topic": "violin", "all": True}, 400, "unknown_parameter"),
    ],
)
def test_a_wish_that_is_not_valid_is_refused(memory: Memory, body: dict[str, Any], status: int, code: str) -> None:
    answer = memory.http.post("/v1/memory/forget", json=body, headers=memory.auth.headers("user_1"))

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_topic_of_very_many_turns_has_to_be_narrowed(memory: Memory) -> None:
    talk, short = Talk("user_topic6"), Talk("user_topic6")
    turns = [talk.turn(f"Falcon {number}.", "Yes.", status="cancelled") for number in range(501)]
    for first in range(0, len(turns), 100):
        memory.deliver(*turns[first : first + 100])
    memory.deliver(short.turn("The falcon flies."))

    refused = memory.forget_topic("falcon", "user_topic6")
    narrowed = forget(memory, "falcon 499", "user_topic6", dry_run=True)
    there = forget(memory, "falcon", "user_topic6", conversation=short.id, dry_run=True)

    assert (refused.status_code, refused.json()["code"]) == (409, "topic_too_broad")
    assert turn_ids(narrowed) == [talk.turns[499]]
    assert turn_ids(there) == short.turns


def test_facts_that_the_user_wrote_go_too_with_what_they_once_said(running: Running, settings: Settings) -> None:
    with running() as memory:
        headers = memory.auth.headers("user_1")
        pinned, edited, _ = (
            memory.http.post("/v1/memory/facts", json=fact, headers=headers).json()["id"]
            for fact in (
                {"text": f"User's violin is called {CANARY}.", "pinned": True},
                {"text": f"User plays the {CANARY} violin."},
                {"text": "User lives in Oslo."},
            )
        )
        memory.http.patch(f"/v1/memory/facts/{edited}", json={"text": "User plays the piano."}, headers=headers)

        receipt = forget(memory, "violin")

        assert [fact["id"] for fact in receipt["facts"]] == [pinned]
        assert facts(memory) == ["User lives in Oslo.", "User plays the piano."]
        assert memory.http.post(f"/v1/memory/facts/{edited}/undo", headers=headers).status_code == 409
        eventually(lambda: not files_with_canary(settings.service_data))


def test_a_forgotten_fact_does_not_come_back_from_what_is_folded_again(running: Running) -> None:
    talk = Talk()
    with running() as memory:
        memory.deliver(talk.turn("My falcon is called Freya."), *(talk.turn(f"I have {n} apples.") for n in range(5)))
        memory.eventually(talk.id, folded)
        assert "My falcon is called Freya." in facts(memory)

        forget(memory, "falcon")
        other = Talk()
        memory.deliver(other.turn("My falcon is called Freya."), *(other.turn(f"I ate {n} pears.") for n in range(5)))
        memory.eventually(other.id, folded)

        assert any("pears" in fact for fact in facts(memory))
        assert not any("falcon" in fact for fact in facts(memory))


def test_a_fact_on_a_topic_is_not_made_again_in_other_words_of_turns_that_are_on_it_only_together(
    memory: Memory, model: OfflineLLM
) -> None:
    ada = Curator(memory)
    talk = Talk(ada.id)
    said = [talk.turn("I learn the violin."), talk.turn("My teacher is Bo."), *(talk.turn(f"{n}.") for n in range(3))]
    fact = {"kind": "profile", "turn_ids": talk.turns[:2]}
    model.misbehave(folds_to(talk, "I learn the violin", "The violin teacher is Bo.", **fact))
    memory.deliver(*said)
    memory.eventually(talk.id, folded, ada.id)
    assert [each["text"] for each in forget(memory, "violin teacher", ada.id)["facts"]] == ["The violin teacher is Bo."]
    model.misbehave(folds_to(talk, "I learn the violin", "Bo teaches violin, as a teacher.", **fact))
    asked = len(asked_about(model, talk.turns[0]))

    memory.deliver(talk.revised(talk.turns[0], "I learn the violin.", "Nice."))

    eventually(lambda: len(asked_about(model, talk.turns[0])) > asked)
    memory.eventually(talk.id, folded, ada.id)
    assert ada.listed(status="any") == []


def test_what_is_said_of_a_topic_after_it_was_forgotten_is_remembered(memory: Memory, model: OfflineLLM) -> None:
    ada = Curator(memory)
    forget(memory, "violin teacher", ada.id)
    talk = Talk(ada.id)
    said = "Bo is my violin teacher"
    now = {"created_at": 4e9, "ended_at": 4e9}
    turns = [talk.turn(said, **now), *(talk.turn(f"{n}.", **now) for n in range(4))]
    model.misbehave(folds_to(talk, said, said))

    memory.deliver(*turns)

    memory.eventually(talk.id, folded, ada.id)
    assert ada.texts() == [said]


def test_a_turn_that_failed_is_forgotten_too(running: Running, settings: Settings) -> None:
    talk = Talk()
    with running() as memory:
        memory.deliver(talk.turn(f"My parrot is {CANARY}.", "", status="failed"))

        receipt = forget(memory, "parrot")

        assert turn_ids(receipt) == talk.turns
    assert files_with_canary(settings.service_data) == []


def test_late_events_bring_nothing_back(memory: Memory) -> None:
    talk = Talk("user_topic7")
    said = talk.turn("The falcon flies.")
    memory.deliver(said, talk.turn("Goodbye."))
    forget(memory, "falcon", "user_topic7")

    memory.deliver({**said, "id": "evt_again"}, talk.revised(talk.turns[0], "The falcon flies again."))

    assert memory.search("falcon", "user_topic7") == []
    assert "falcon" not in json.dumps(memory.show(talk.id, "user_topic7"))


@pytest.mark.parametrize(
    ("said_at", "where", "user", "found"),
    [
        (0.0, "anywhere", "My parrot lives in a cage.", []),
        (0.0, "here", "My parrot lives in a cage.", []),
        (0.0, "there", "My parrot lives in a cage.", ["My parrot lives in a cage."]),
        (0.0, "anywhere", "My parrot lives in a tree.", ["My parrot lives in a tree."]),
        (4e9, "anywhere", "My parrot lives in a cage.", ["My parrot lives in a cage."]),
    ],
)
def test_a_turn_from_before_that_arrives_late_stays_forgotten(
    memory: Memory, said_at: float, where: str, user: str, found: list[str]
) -> None:
    here, there = (Talk(f"user_late_{said_at}_{where}_{user}") for _ in range(2))
    memory.deliver(here.turn("Hello."), there.turn("Hello."))
    narrowed = {"here": {"conversation": here.id}, "there": {"conversation": there.id}}.get(where, {})
    forget(memory, "parrots caged", here.owner, **narrowed)
    late = here.turn(user, "I see.", **({"created_at": said_at, "ended_at": said_at} if said_at else {}))

    memory.deliver(late)

    assert [turn["user"] for turn in memory.search("parrot", here.owner)] == found
    assert memory.context(here.id, here.turns[::-1], owner=here.owner)["known_through"] == here.turns[1]


def test_what_a_guest_had_forgotten_stays_forgotten_for_the_account(memory: Memory) -> None:
    talk = Talk("user_guest_of_topics")
    memory.deliver(talk.turn("Hello."))
    forget(memory, "parrot", talk.owner)
    late = talk.turn("My parrot is green.")
    memory.merge(talk.owner, "user_with_topics")

    memory.deliver(late)

    assert memory.search("parrot", "user_with_topics") == []
    assert memory.context(talk.id, talk.turns[::-1], owner="user_with_topics")["known_through"] == talk.turns[1]


def test_a_fold_that_is_running_brings_nothing_back(running: Running, settings: Settings, model: OfflineLLM) -> None:
    talk = Talk()
    model.misbehave(held(CANARY))
    with running() as memory:
        memory.deliver(*(talk.turn(f"My parrot number {n} is called {CANARY}.") for n in range(4)))
        memory.deliver(talk.turn("My dog is called Bruno."), *(talk.turn(f"I have {n} apples.") for n in range(3)))
        eventually(lambda: asked_about(model, talk.turns[0]))

        forget(memory, "parrot")
        go_on(model)
        shown = memory.eventually(talk.id, lambda shown: shown["statistics"]["folds_pending"] == 0)

        assert CANARY not in json.dumps(shown)
        assert CANARY not in json.dumps(facts(memory))
    assert files_with_canary(settings.service_data) == []
