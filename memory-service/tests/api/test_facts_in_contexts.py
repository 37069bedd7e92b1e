"""Which facts a turn knows: its user's own, of its path, and of other conversations if the user wants; best first."""

import json

from chassis.tokens import estimate_tokens
from dev.offline_llm.testing import OfflineLLM
from memory_service.long_term import FACTS_TOKENS

from ..conftest import Running, Talk, folded
from ..curator import Curator, folds_to


def details(user: Curator, talk: Talk) -> list[str]:
    """The important details of a conversation."""
    return [each["text"] for each in user.memory.show(talk.id, user.id)["long_term"]["important_details"]]


def test_the_first_turn_of_a_new_conversation_knows_what_was_said_in_others(ada: Curator, model: OfflineLLM) -> None:
    ada.says(model, "I live in Graz")
    new = Talk(ada.id)

    context = ada.memory.context(new.id, [], "Where do I live?", owner=ada.id)

    (part,) = context["parts"]
    assert (part["kind"], part["ids"]) == ("facts", [fact["id"] for fact in ada.listed()])
    assert "I live in Graz" in context["messages"][0]["content"]
    assert context["known_through"] is None
    assert 0 < context["tokens"] <= 8000


def test_a_user_without_facts_has_no_context_in_a_new_conversation(ada: Curator) -> None:
    context = ada.memory.context("conv_new", [], "Who am I?", owner=ada.id)

    assert (context["messages"], context["parts"], context["tokens"]) == ([], [], 0)


def test_facts_that_count_only_where_they_were_said_are_known_only_there(ada: Curator, model: OfflineLLM) -> None:
    graz, bird = ada.says(model, "I live in Graz"), ada.says(model, "My bird is called Rio")
    ada.writes("Is called Ada.")

    ada.memory.keep_facts_apart(ada.id)

    assert ada.known(graz) == ["I live in Graz", "Is called Ada."]
    assert ada.known(bird) == ["My bird is called Rio", "Is called Ada."]
    assert ada.known() == ["Is called Ada."]


def test_nobody_knows_what_another_user_said(ada: Curator, model: OfflineLLM) -> None:
    eve = Curator(ada.memory)
    talk = ada.says(model, "I live in Graz")
    ada.writes("Is called Ada.")

    asked = ada.memory.context(talk.id, talk.turns[::-1], "Graz", owner=eve.id)

    assert "Graz" not in json.dumps(asked)
    assert eve.known(talk) == eve.known() == []
    assert details(ada, talk) == ["I live in Graz"]


def test_a_branch_does_not_know_what_was_said_on_another(running: Running, model: OfflineLLM) -> None:
    with running(short_term_memory_k=1) as memory:
        ada, talk = Curator(memory), Talk()
        talk.owner = ada.id
        root, fork = talk.turn("I live in Graz"), talk.turns[0]
        model.misbehave(folds_to(talk, "I live in Graz", "I live in Graz"))
        memory.deliver(root, talk.turn("Go on."))
        memory.eventually(talk.id, folded, ada.id)
        said = talk.turn("My bird is called Rio", after=fork)
        bird = talk.turns[-1]
        model.misbehave(folds_to(talk, "My bird is called Rio", "My bird is called Rio", turn=bird))
        memory.deliver(said, talk.turn("Go on here."))
        other = [talk.turn("On the other branch.", after=fork), talk.turn("Go on there.")]
        memory.eventually(talk.id, lambda shown: "Rio" in json.dumps(shown["long_term"]), ada.id)

        memory.deliver(*other)

        there = memory.context(talk.id, talk.turns[::-1], owner=ada.id)
        assert "Rio" not in json.dumps(there)
        assert "I live in Graz" in json.dumps(there["messages"])
        assert details(ada, talk) == ["I live in Graz"]
        assert set(ada.known()) == {"I live in Graz", "My bird is called Rio"}


def test_pinned_facts_come_first_then_important_ones_then_new_ones_within_their_tokens(ada: Curator) -> None:
    pinned = ada.writes("Is pinned.", priority=0, pinned=True)
    for number in range(80):
        ada.writes(f"Has read volume {number} of a very long encyclopedia.", priority=3)
    ada.writes("Is important.", priority=9)

    known = ada.known()
    context = ada.memory.context("conv_new", [], owner=ada.id)

    assert {"Is pinned.", "Is important."} <= set(known)
    assert "Has read volume 79 of a very long encyclopedia." in known
    assert "Has read volume 0 of a very long encyclopedia." not in known
    (part,) = context["parts"]
    assert part["ids"][0] == pinned["id"]
    assert FACTS_TOKENS - 20 < part["tokens"] <= FACTS_TOKENS
    assert context["tokens"] >= sum(estimate_tokens(message["content"]) for message in context["messages"])
    assert context["dropped"][0]["kind"] == "facts"


def test_facts_stand_in_the_order_in_which_they_were_learned_so_that_the_prompt_stays_the_same(ada: Curator) -> None:
    facts = [ada.writes(f"Likes colour {number}.", priority=number) for number in range(5)]
    before = ada.known()

    ada.changes(facts[3], status="pinned")

    assert ada.known() == before == [fact["text"] for fact in facts]


def test_a_pinned_fact_is_an_important_detail_of_every_conversation(ada: Curator, model: OfflineLLM) -> None:
    here, there = ada.says(model, "I live in Graz"), ada.says(model, "My bird is called Rio")
    ada.writes("Is called Ada.", pinned=True)
    ada.writes("Is tall.")
    (bird,) = ada.listed(conversation=there.id)
    ada.changes(bird, status="pinned")

    assert details(ada, here) == ["My bird is called Rio", "Is called Ada.", "I live in Graz"]
    shown = ada.memory.show(here.id, ada.id)["long_term"]["important_details"]
    assert [len(each["sources"]) for each in shown] == [0, 0, 1]
