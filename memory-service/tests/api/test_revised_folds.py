"""What was folded from a turn whose texts change goes, and is folded again from what is left."""

import json
from typing import Any

from chassis.database import Database
from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import CANARY, Memory, Running, Talk, answered, asked_about, files_with_canary, folded, go_on, held


def a_fold(turn: str, quote: str, *facts: dict[str, Any]) -> dict[str, Any]:
    """A fault rule: what the summariser replies to the fold that holds a turn."""
    reply = {
        "summary": quote,
        "priority_score": 5,
        "quote": {"turn_id": turn, "text": quote},
        "facts": list(facts),
    }
    return {"match": {"text_contains": turn}, "times": 1, "fault": {"content": json.dumps(reply)}}


def a_fact(text: str, *turns: str) -> dict[str, Any]:
    return {"text": text, "kind": "profile", "priority": 5, "turn_ids": list(turns), "quote": text}


def test_episodes_and_facts_go_and_are_made_again_without_the_old_words(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        talk = Talk()
        memory.deliver(talk.turn(f"My parrot is called {CANARY}.", f"{CANARY}, noted."))
        memory.deliver(*(talk.turn(f"My project number {n} is called Falcon{n}.") for n in range(5)))
        before = memory.eventually(talk.id, folded)
        assert CANARY in json.dumps(before["long_term"])
        asked_before = len(asked_about(model, CANARY))

        memory.deliver(talk.revised(talk.turns[0]))

        assert CANARY not in json.dumps(memory.show(talk.id))
        assert CANARY not in json.dumps(memory.context(talk.id, talk.turns[::-1], CANARY))
        shown = memory.eventually(talk.id, lambda shown: folded(shown) and shown["long_term"]["interactions"])
        eventually(lambda: files_with_canary(settings.service_data) == [])
    assert "Falcon0" in json.dumps(shown["long_term"])
    assert shown["statistics"]["turns"] == 5
    assert len(asked_about(model, CANARY)) == asked_before


async def test_merged_episodes_over_it_go_too_and_everything_is_covered_again(
    running: Running, settings: Settings
) -> None:
    talk = Talk()
    with running(short_term_memory_k=1) as memory:
        memory.deliver(talk.turn(f"My project number 0 is called {CANARY}."))
        for number in range(1, 12):
            memory.deliver(talk.turn(f"My project number {number} is called Falcon{number}."))
            memory.eventually(talk.id, lambda shown: shown["statistics"]["buffer_tokens"] < 30)
        memory.eventually(talk.id, lambda shown: folded(shown) and shown["long_term"]["interactions"][0]["level"] == 1)

        memory.deliver(talk.revised(talk.turns[0], "My project number 0 is called Merlin."))
        shown = memory.eventually(
            talk.id, lambda shown: folded(shown) and "Merlin" in json.dumps(shown["long_term"]["interactions"])
        )
        context = memory.context(talk.id, talk.turns[::-1])
        eventually(lambda: files_with_canary(settings.service_data) == [])

    summaries = " ".join(each["summary"] for each in shown["long_term"]["interactions"])
    assert all(f"number {number}" in summaries for number in (0, *range(4, 11)))
    assert CANARY not in json.dumps(context)
    with Database(settings.service_data, []) as database:
        rows = await database.read(lambda tx: tx.all("select level, depth_from, depth_to from episodes"))
    covered = {depth for row in rows if row["level"] == 0 for depth in range(row["depth_from"], row["depth_to"] + 1)}
    assert covered == set(range(1, 12))


def test_turns_of_several_episodes_that_are_revised_together_are_all_folded_again(running: Running) -> None:
    with running(short_term_memory_k=1) as memory:
        talk = Talk()
        for name in ("Falcon", "Eagle", "Kestrel", "Osprey"):
            memory.deliver(talk.turn(f"My project is called {name}."))
            memory.eventually(talk.id, lambda shown: shown["statistics"]["folds_pending"] == 0)
        assert len(memory.show(talk.id)["long_term"]["interactions"]) == 3

        memory.deliver(
            talk.revised(talk.turns[0], "My project is called Merlin."),
            talk.revised(talk.turns[2], "My project is called Heron."),
        )

        shown = memory.eventually(talk.id, lambda shown: len(shown["long_term"]["interactions"]) == 3)
        names = ("Merlin", "Eagle", "Heron")
        assert all(
            name in each["summary"] for name, each in zip(names, shown["long_term"]["interactions"], strict=True)
        )


def test_a_fold_of_which_only_an_empty_turn_is_left_is_not_asked_for(running: Running, model: OfflineLLM) -> None:
    with running(short_term_memory_k=1) as memory:
        talk = Talk()
        memory.deliver(talk.turn("My project is called Falcon."), talk.turn("Next."))
        memory.eventually(talk.id, folded)
        asked_before = len(model.requests())

        memory.deliver(talk.revised(talk.turns[0]))
        shown = memory.eventually(talk.id, lambda shown: shown["statistics"]["folds_pending"] == 0)

        assert shown["long_term"] == {"interactions": [], "important_details": []}
        assert len(model.requests()) == asked_before


def test_a_fact_with_another_source_keeps_that_one(running: Running, model: OfflineLLM) -> None:
    with running(short_term_memory_k=1) as memory:
        talk = Talk()
        first, second = talk.turn("I live in Graz"), talk.turn("I live in Graz, as I said")
        for turn in talk.turns:
            model.misbehave(a_fold(turn, "I live in Graz", a_fact("I live in Graz", turn)))
        memory.deliver(first, second)
        memory.eventually(talk.id, folded)
        memory.deliver(talk.turn("Next."))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 2 and folded(shown))

        memory.deliver(talk.revised(talk.turns[0]))

        (detail,) = memory.show(talk.id)["long_term"]["important_details"]
        assert detail["sources"] == [{"turn_id": talk.turns[1], "quote": "I live in Graz"}]
        assert "I live in Graz" in json.dumps(memory.context(talk.id, talk.turns[::-1])["messages"])
        assert "I live in Graz" not in json.dumps(memory.context(talk.id, talk.turns[:1])["messages"])


def test_a_fact_with_words_that_only_the_old_text_said_goes_though_another_turn_is_its_source(
    memory: Memory, model: OfflineLLM
) -> None:
    talk = Talk()
    events = [
        talk.turn(f"{CANARY} is my city."),
        talk.turn("I love my green city by the river"),
        *(talk.turn(f"Topic {n}.") for n in range(3)),
    ]
    stretched = {**a_fact("I love my green city by the river", talk.turns[1]), "text": f"Loves green city {CANARY}"}
    model.misbehave(a_fold(talk.turns[1], "I love my green city by the river", stretched))
    memory.deliver(*events)
    assert CANARY in json.dumps(memory.eventually(talk.id, folded)["long_term"]["important_details"])

    memory.deliver(talk.revised(talk.turns[0]))

    assert CANARY not in json.dumps(memory.show(talk.id))


def test_a_fold_that_read_the_old_text_does_not_land(running: Running, settings: Settings, model: OfflineLLM) -> None:
    talk = Talk()
    model.misbehave(held(CANARY))
    with running() as memory:
        memory.deliver(talk.turn(f"My parrot is called {CANARY}."))
        memory.deliver(*(talk.turn(f"My project number {n} is called Falcon{n}.") for n in range(4)))
        eventually(lambda: asked_about(model, CANARY))

        memory.deliver(talk.revised(talk.turns[0], "My parrot is called Rio."))
        go_on(model)
        eventually(lambda: answered(model, CANARY))
        shown = memory.eventually(talk.id, folded)

        assert CANARY not in json.dumps(shown)
        assert "Rio" in json.dumps(shown["long_term"])
        eventually(lambda: files_with_canary(settings.service_data) == [])


def test_a_reply_that_was_saved_of_the_old_text_is_not_used(running: Running, model: OfflineLLM) -> None:
    talk = Talk()
    model.misbehave({"fault": {"status": 503}})
    with running(fold_first_retry_seconds=30, fold_longest_retry_seconds=60) as memory:
        memory.deliver(*(talk.turn(f"My project number {n} is called Falcon{n}.") for n in range(5)))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["summarizer"]["attempts"] == 1)
        model.behave()

        memory.deliver(talk.revised(talk.turns[0], "My project number 0 is called Merlin."))
        shown = memory.eventually(talk.id, folded)

    assert "Falcon0" not in json.dumps(shown)


def test_a_revision_counts_the_buffer_anew_and_may_be_what_makes_a_fold_due(running: Running) -> None:
    with running(short_term_memory_k=None, fold_high_tokens=300, fold_low_tokens=100) as memory:
        talk = Talk()
        memory.deliver(talk.turn("A short one."), talk.turn("Another."))

        memory.deliver(talk.revised(talk.turns[0], "A long one about mountains. " * 60, "Mountains."))

        assert memory.eventually(talk.id, folded)["statistics"]["folded_turns"] == 1


def test_a_revision_of_a_shared_turn_reaches_every_branch_and_the_others_keep_theirs(running: Running) -> None:
    with running(short_term_memory_k=2) as memory:
        talk = Talk()
        memory.deliver(*(talk.turn(f"Root statement {n} about {CANARY}.") for n in range(2)))
        fork = talk.turns[1]
        first = talk.turn("Alpha statement 0.", after=fork)
        memory.deliver(first, *(talk.turn(f"Alpha statement {n}.") for n in range(1, 4)))  # all in one fold
        memory.eventually(talk.id, folded)
        memory.deliver(talk.turn("Omega statement 0.", after=fork))  # the two shared turns in a fold of its own
        memory.eventually(talk.id, folded)
        memory.deliver(*(talk.turn(f"Omega statement {n}.") for n in range(1, 4)))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] > 2 and folded(shown))
        alpha_tip, omega_tip = talk.turns[5], talk.turns[9]

        memory.deliver(talk.revised(talk.turns[0], "Root statement 0 about the sea."))
        memory.deliver(talk.revised(talk.turns[1]))

        of_both = [memory.context(talk.id, [tip], CANARY) for tip in (alpha_tip, omega_tip)]
        assert CANARY not in json.dumps(of_both)
        memory.eventually(talk.id, lambda shown: folded(shown) and shown["long_term"]["interactions"])
        eventually(lambda: "the sea" in json.dumps(memory.context(talk.id, [alpha_tip])["messages"]))
        eventually(lambda: "the sea" in json.dumps(memory.context(talk.id, [omega_tip])["messages"]))
        assert "Omega" not in json.dumps(memory.context(talk.id, [alpha_tip]))

        of_alpha = memory.context(talk.id, [alpha_tip])
        memory.deliver(talk.revised(omega_tip, "Omega ends."))
        assert memory.context(talk.id, [alpha_tip]) == of_alpha
