"""A fact goes with the last turn that bears it out, its owner's facts go where the owner goes."""

import json

import pytest

from chassis.database import Database
from chassis.ids import new_id
from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import CANARY, Running, Talk, asked_about, files_with_canary, folded
from ..curator import Curator, folds_to

FACT_TABLES = ("facts", "fact_sources", "fact_changes", "fact_tombstones", "preferences")


def chosen(user: Curator) -> bool:
    """Whether the user's facts are used across conversations."""
    answer = user.memory.get("/v1/memory/settings", user.id)
    across: bool = answer.json()["facts_across_conversations"]
    return across


@pytest.mark.parametrize("forgotten", [False, True], ids=["deleted", "forgotten"])
def test_a_fact_of_two_conversations_goes_with_the_second_of_them(
    running: Running, settings: Settings, model: OfflineLLM, forgotten: bool
) -> None:
    with running() as memory:
        ada = Curator(memory)
        talks = [ada.says(model, f"My parrot is called {CANARY}") for _ in range(2)]
        (fact,) = ada.listed()

        def goes(talk: Talk) -> None:
            assert memory.forget(talk.id, ada.id).is_success if forgotten else memory.deliver(talk.deleted())

        goes(talks[0])

        assert [each["conversation_id"] for each in ada.sources(fact)] == [talks[1].id]
        assert ada.known() == [f"My parrot is called {CANARY}"]

        goes(talks[1])

        assert ada.listed(status="any") == []
        eventually(lambda: files_with_canary(settings.service_data) == [])


def test_the_receipt_of_a_forgotten_conversation_counts_the_facts_that_went(ada: Curator, model: OfflineLLM) -> None:
    ada.says(model, "I live in Graz")
    talk = Talk(ada.id)
    first = talk.turn("I live in Graz. My bird is called Rio.")
    facts = [
        {"text": text, "kind": "profile", "priority": 5, "turn_ids": talk.turns[:1], "quote": text}
        for text in ("I live in Graz", "My bird is called Rio")
    ]
    rule = folds_to(talk, "I live in Graz", "I live in Graz")
    reply = {**json.loads(rule["fault"]["content"]), "facts": facts}
    model.misbehave({**rule, "fault": {"content": json.dumps(reply)}})
    ada.memory.deliver(first, *(talk.turn(f"Go on with number {n}.") for n in range(4)))
    ada.memory.eventually(talk.id, folded, ada.id)
    assert len(ada.listed(conversation=talk.id)) == 2

    receipt = ada.memory.forget(talk.id, ada.id).json()

    assert receipt["facts"] == 1
    assert ada.texts() == ["I live in Graz"]


def test_what_the_user_made_of_a_fact_stays_without_what_it_was_made_of(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada = Curator(memory)
        talk = ada.says(model, f"My parrot is called {CANARY}")
        (found,) = ada.listed()
        ada.changes(found, priority=3)
        ada.changes(found, text="Has a bird.")
        ada.changes(found, status="pinned")

        memory.deliver(talk.deleted())

        assert ada.known() == ["Has a bird."]
        assert ada.sources(found) == []
        assert ada.happened(found) == ["pinned"]
        eventually(lambda: files_with_canary(settings.service_data) == [])


def test_a_turn_that_is_emptied_takes_its_fact_along_but_not_what_the_user_made_of_another(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada = Curator(memory)
        talk = ada.says(model, f"My parrot is called {CANARY}")
        other = ada.says(model, f"My wife is called {CANARY} too")
        corrected = ada.changes(ada.listed(conversation=other.id)[0], text="Is married.")

        memory.deliver(talk.revised(talk.turns[0]), other.revised(other.turns[0]))

        assert ada.listed(status="any") == [{**corrected, "sources": 0}]
        eventually(lambda: files_with_canary(settings.service_data) == [])


def test_a_fact_with_words_of_a_turn_read_together_stays_if_it_is_the_users_and_forgets_what_it_was(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada, talk = Curator(memory), Talk()
        talk.owner = ada.id
        said = "I love my green city by the river"
        events = [talk.turn(f"{CANARY} is my city."), talk.turn(said), *(talk.turn(f"Go on {n}.") for n in range(3))]
        model.misbehave(folds_to(talk, said, f"Loves green city {CANARY}", turn=talk.turns[1]))
        memory.deliver(*events)
        memory.eventually(talk.id, folded, ada.id)
        corrected = ada.changes(ada.listed()[0], text="Loves green Graz.")

        memory.deliver(talk.revised(talk.turns[0], "Graz is my city."))

        assert ada.listed() == [corrected]
        assert ada.happened(corrected) == []
        eventually(lambda: files_with_canary(settings.service_data) == [])


def test_a_fact_that_the_user_pinned_stays_when_a_turn_read_together_goes(ada: Curator, model: OfflineLLM) -> None:
    talk = Talk(ada.id)
    said = "I love my green city by the river"
    events = [talk.turn("Graz is my city."), talk.turn(said), *(talk.turn(f"Go on {n}.") for n in range(3))]
    model.misbehave(folds_to(talk, said, "Loves green city Graz", turn=talk.turns[1]))
    ada.memory.deliver(*events)
    ada.memory.eventually(talk.id, folded, ada.id)
    pinned = ada.changes(ada.listed()[0], status="pinned")

    ada.memory.deliver(talk.revised(talk.turns[0]))

    assert ada.listed() == [pinned]


def test_what_had_given_way_holds_again_once_what_took_its_place_was_never_said(
    ada: Curator, model: OfflineLLM
) -> None:
    graz = ada.learned(model, "I live in Graz")
    moved = ada.says(model, "I moved to Vienna", replaces=["f1"])

    ada.memory.deliver(moved.revised(moved.turns[0], "I would like to move."))

    assert ada.known() == ["I live in Graz"]
    assert ada.happened(graz) == ["created"]


def test_what_stood_between_two_facts_leaves_no_gap(ada: Curator, model: OfflineLLM) -> None:
    graz = ada.learned(model, "I live in Graz")
    moved = ada.says(model, "I moved to Vienna", replaces=["f1"])
    ada.says(model, "I moved to Linz", replaces=["f1"])
    (linz,) = ada.listed()

    ada.memory.deliver(moved.deleted())

    assert ada.known() == ["I moved to Linz"]
    assert ada.find(graz)["superseded_by"] == linz["id"]


def test_a_guest_brings_facts_deletions_and_choices_into_an_account(ada: Curator, model: OfflineLLM) -> None:
    guest = Curator(ada.memory, new_id("guest"))
    guest.deletes(guest.learned(model, "I live in Graz"))
    said = guest.learned(model, "My bird is called Rio")
    written = guest.writes("Is called Ada.")
    ada.memory.keep_facts_apart(guest.id)
    ada.deletes(ada.learned(model, "I live in Linz"))

    counts = ada.memory.merge(guest.id, ada.id)
    ada.says(model, "I live in Graz")
    ada.says(model, "I live in Linz")

    assert counts["facts"] == 2
    assert ada.listed() == [written, said]
    assert ada.memory.merge(guest.id, ada.id) == counts
    assert not chosen(ada)
    assert guest.listed(status="any") == []


def test_what_the_account_chose_holds_against_what_the_guest_chose(ada: Curator) -> None:
    guest = Curator(ada.memory, new_id("guest"))
    ada.memory.keep_facts_apart(guest.id)
    headers = ada.memory.auth.headers(ada.id)
    ada.memory.http.patch("/v1/memory/settings", json={"facts_across_conversations": True}, headers=headers)

    ada.memory.merge(guest.id, ada.id)

    assert chosen(ada)


async def test_nothing_stays_of_the_facts_of_an_erased_account(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada = Curator(memory)
        old = ada.learned(model, f"My parrot is called {CANARY}")
        ada.says(model, f"My parrot is called {CANARY} the second", replaces=["f1"])
        ada.writes(f"Is the owner of {CANARY}.")
        ada.deletes(ada.writes("Is deleted."))
        memory.keep_facts_apart(ada.id)
        assert ada.find(old)["status"] == "superseded"

        counts = memory.erase(ada.id)

        assert counts["facts"] == 3
        assert ada.listed(status="any") == []
        assert files_with_canary(settings.service_data) == []
    with Database(settings.service_data, []) as database:
        left = await database.read(lambda tx: [tx.value(f"select count(*) from {table}") for table in FACT_TABLES])
    assert left == [0] * len(FACT_TABLES)


@pytest.mark.parametrize("refused", ["rejected", "forgotten"])
def test_what_the_user_refused_is_not_made_again_of_a_turn_whose_answer_was_deleted(
    ada: Curator, model: OfflineLLM, refused: str
) -> None:
    talk = ada.says(model, "My parrot is called Rio")
    found = ada.changes(ada.listed()[0], status=refused)

    _fold_again(ada, model, talk, "My parrot is called Rio")

    assert ada.listed(status="any") == [found]


def test_what_the_user_corrected_is_not_made_again_of_a_turn_that_still_says_so(
    ada: Curator, model: OfflineLLM
) -> None:
    talk = ada.says(model, "I live in Graz")
    corrected = ada.changes(ada.listed()[0], text="Lives near Graz.")

    _fold_again(ada, model, talk, "Oh, well. I live in Graz", "I live in Graz")

    assert ada.listed(status="any") == [corrected]
    assert [each["quote"] for each in ada.sources(corrected)] == ["I live in Graz"]
    assert ada.happened(corrected) == ["edited", "created"]


@pytest.mark.parametrize("refused", ["rejected", "forgotten"])
def test_what_the_user_refused_does_not_come_back_when_it_is_said_again_after_its_conversation_was_deleted(
    running: Running, settings: Settings, model: OfflineLLM, refused: str
) -> None:
    with running() as memory:
        ada = Curator(memory)
        talk = ada.says(model, f"My parrot is called {CANARY}")
        ada.changes(ada.listed()[0], status=refused)

        memory.deliver(talk.deleted())

        eventually(lambda: files_with_canary(settings.service_data) == [])
        ada.says(model, f"My parrot is called {CANARY}")
        assert ada.listed(status="any") == []


def _fold_again(user: Curator, model: OfflineLLM, talk: Talk, said: str, stated: str | None = None) -> None:
    """The first turn says this, nothing is answered, and a fold states the same of it as before."""
    model.misbehave(folds_to(talk, stated or said, stated or said))
    asked = len(asked_about(model, talk.turns[0]))
    user.memory.deliver(talk.revised(talk.turns[0], said))
    eventually(lambda: len(asked_about(model, talk.turns[0])) > asked)
    user.memory.eventually(talk.id, folded, user.id)
