"""Deleting a conversation erases it; forgetting one on purpose does too, and is not undone by what chat sends later."""

import json
import time

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import (
    CANARY,
    START,
    Memory,
    Running,
    Talk,
    answered,
    asked_about,
    files_with_canary,
    folded,
    go_on,
    held,
)


def with_canary(memory: Memory, talk: Talk) -> None:
    """A folded conversation full of the canary: turns, index, episodes, facts."""
    memory.deliver(*(talk.turn(f"My parrot number {n} is called {CANARY}.", f"{CANARY}, noted.") for n in range(6)))
    assert CANARY in json.dumps(memory.eventually(talk.id, folded)["long_term"])


def test_a_deleted_conversation_leaves_no_byte_of_itself_in_any_file(running: Running, settings: Settings) -> None:
    talk, other = Talk(), Talk()
    with running() as memory:
        with_canary(memory, talk)
        memory.deliver(other.turn("Something that stays."))
    assert files_with_canary(settings.service_data)

    with running() as memory:
        memory.deliver(talk.deleted())

        assert memory.get(f"/v1/memory/conversations/{talk.id}").status_code == 404
        assert memory.search(CANARY) == []
        assert len(memory.search("something stays")) == 1
    assert files_with_canary(settings.service_data) == []


def test_events_of_a_deleted_conversation_change_nothing_afterwards(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("One."))
    late = talk.turn("Two, delivered late.")

    outcomes = memory.deliver(talk.deleted(), late)

    assert outcomes == ["applied", "applied"]
    assert memory.get(f"/v1/memory/conversations/{talk.id}").status_code == 404


def test_a_conversation_may_be_deleted_before_memory_has_heard_of_it(memory: Memory) -> None:
    talk = Talk()
    early = talk.turn("Never seen.")

    outcomes = memory.deliver(talk.deleted(), early)

    assert outcomes == ["applied", "applied"]
    assert memory.context(talk.id, talk.turns)["known_through"] is None


def test_forgetting_erases_every_byte_too_and_says_how_much_there_was(running: Running, settings: Settings) -> None:
    talk = Talk()
    with running() as memory:
        with_canary(memory, talk)

        receipt = memory.forget(talk.id).json()

        assert receipt == {
            "object": "memory.conversation.deleted",
            "id": talk.id,
            "deleted": True,
            "turns": 6,
            "episodes": receipt["episodes"],
            "facts": receipt["facts"],
        }
        assert receipt["episodes"] >= 1
        assert receipt["facts"] >= 1
        assert memory.get(f"/v1/memory/conversations/{talk.id}").status_code == 404
        assert memory.forget(talk.id).status_code == 404
    assert files_with_canary(settings.service_data) == []


def test_a_fold_that_is_running_brings_nothing_back_into_a_forgotten_conversation(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    talk = Talk()
    model.misbehave(held(CANARY))
    with running() as memory:
        memory.deliver(*(talk.turn(f"My parrot number {n} is called {CANARY}.") for n in range(5)))
        eventually(lambda: asked_about(model, talk.turns[0]))

        memory.forget(talk.id)
        memory.deliver(talk.turn("Something new.", created_at=4e9, ended_at=4e9))
        go_on(model)
        eventually(lambda: answered(model, talk.turns[0]))
        time.sleep(0.1)

        assert memory.show(talk.id)["long_term"] == {"interactions": [], "important_details": []}
    assert files_with_canary(settings.service_data) == []


def test_what_was_forgotten_counts_as_known_so_that_chat_does_not_bring_it_back(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("My parrot is called Coco."), talk.turn("Second."))
    memory.forget(talk.id)

    context = memory.context(talk.id, talk.turns[::-1], "parrot")

    assert context["known_through"] == talk.turns[1]
    assert context["messages"] == []
    assert context["recall"] is None


def test_a_forgotten_conversation_goes_on_with_what_is_said_later(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(*(talk.turn(f"Old statement {n}.") for n in range(3)))
    memory.forget(talk.id)
    now = 4_000_000_000.0

    memory.deliver(*(talk.turn(f"New statement {n}.", created_at=now, ended_at=now) for n in range(6)))
    shown = memory.eventually(talk.id, folded)

    assert shown["statistics"]["turns"] == 6
    assert "Old" not in json.dumps(shown)


def test_a_turn_from_before_the_forgetting_that_arrives_late_stays_forgotten(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("One."))
    memory.forget(talk.id)

    memory.deliver(talk.turn(f"Late {CANARY}.", created_at=START, ended_at=START + 1))

    assert memory.search(CANARY, conversation=talk.id) == []
    assert memory.context(talk.id, talk.turns[::-1])["known_through"] == talk.turns[1]
