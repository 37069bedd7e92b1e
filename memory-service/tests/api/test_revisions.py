"""A turn whose texts change or go takes along what was made of the old ones; the rest of the memory stays."""

import pytest

from chassis.database import Database
from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import CANARY, Memory, Running, Talk, files_with_canary, folded, said_in


def file_size(settings: Settings) -> int:
    return (settings.service_data / "data.sqlite3").stat().st_size


def test_from_now_on_a_revised_turn_says_something_else(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("My parrot is called Coco.", "Hello Coco."), talk.turn("And my cat is Tom."))

    outcomes = memory.deliver(talk.revised(talk.turns[0], "My parrot is called Rio.", "Hello Rio."))

    assert outcomes == ["applied"]
    assert said_in(memory.context(talk.id, talk.turns[::-1]))[:2] == [
        ("user", "My parrot is called Rio."),
        ("assistant", "Hello Rio."),
    ]
    assert memory.search("Coco", conversation=talk.id) == []
    assert [found["id"] for found in memory.search("Rio", conversation=talk.id)] == talk.turns[:1]


def test_a_turn_without_texts_is_an_empty_node_that_the_path_leads_through(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("One.", "First."), talk.turn("Two.", "Second."), talk.turn("Three.", "Third."))

    memory.deliver(talk.revised(talk.turns[1]))
    memory.deliver(talk.turn("Four.", "Fourth."))

    of_all = memory.context(talk.id, talk.turns[::-1], "Second")
    assert [text for role, text in said_in(of_all) if role == "user"] == ["One.", "Three.", "Four."]
    assert of_all["recall"] is None
    assert memory.show(talk.id)["statistics"]["turns"] == 3
    of_the_empty = memory.context(talk.id, talk.turns[1::-1])
    assert of_the_empty["known_through"] == talk.turns[1]
    assert said_in(of_the_empty) == [("user", "One."), ("assistant", "First.")]


def test_an_empty_turn_at_the_tip_can_be_followed_by_another(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("One."), talk.turn("Two."), talk.revised(talk.turns[1]))

    memory.deliver(talk.turn("Three."))

    shown = memory.show(talk.id)
    assert [turn["user"] for turn in shown["short_term"]["turns"]] == ["One.", "Three."]
    assert shown["statistics"]["buffer_tokens"] == shown["short_term"]["tokens"]


def test_a_revised_turn_is_found_by_its_new_words_alone_whatever_follows_it(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn(f"{CANARY} one."), talk.turn("Two."))
    root, second = talk.turns
    memory.deliver(talk.turn("Three."), talk.turn("Four."))
    memory.deliver(talk.turn("Beside two.", after=root), talk.turn("Beside three.", after=second))
    assert [found["id"] for found in memory.search(CANARY, conversation=talk.id)] == [root]

    memory.deliver(talk.revised(root, "Quetzal one.", "Yes."))

    assert memory.search(CANARY, conversation=talk.id) == []
    assert [found["id"] for found in memory.search("Quetzal", conversation=talk.id)] == [root]


def test_a_repeated_revision_changes_nothing(memory: Memory, model: OfflineLLM) -> None:
    talk = Talk()
    memory.deliver(*(talk.turn(f"My project number {n} is called Falcon{n}.") for n in range(5)))
    memory.eventually(talk.id, folded)
    memory.deliver(talk.revised(talk.turns[0], "My project number 0 is called Merlin."))
    shown = memory.eventually(talk.id, lambda shown: folded(shown) and shown["long_term"]["interactions"])

    memory.deliver(talk.revised(talk.turns[0], "My project number 0 is called Merlin."))

    assert memory.show(talk.id) == shown


def test_what_was_forgotten_deleted_or_never_heard_of_is_not_revised(memory: Memory) -> None:
    forgotten, deleted, unheard = Talk(), Talk(), Talk()
    memory.deliver(forgotten.turn("My parrot is called Coco."), deleted.turn("My parrot is called Coco."))
    unheard.turn("Never sent.")
    memory.forget(forgotten.id)
    memory.deliver(deleted.deleted())

    outcomes = memory.deliver(*(talk.revised(talk.turns[0], CANARY) for talk in (forgotten, deleted, unheard)))

    assert outcomes == ["applied"] * 3
    assert memory.search(CANARY) == []
    for talk in (forgotten, deleted, unheard):
        assert memory.get(f"/v1/memory/conversations/{talk.id}").status_code == 404


def test_an_event_that_names_another_owner_revises_and_deletes_nothing(memory: Memory) -> None:
    talk = Talk()
    memory.deliver(talk.turn("My parrot is called Coco."))

    revised = memory.deliver(talk.revised(talk.turns[0], owner="user_2"))
    of_another = memory.deliver(talk.revised(talk.turns[0], conversation_id=Talk().id))
    deleted = memory.deliver(talk.deleted(owner="user_2"))

    assert (revised, of_another, deleted) == (["refused"],) * 3
    assert memory.show(talk.id)["short_term"]["turns"][0]["user"] == "My parrot is called Coco."


def test_a_guest_that_was_merged_still_revises_and_deletes(memory: Memory) -> None:
    talk, other = Talk("guest_77"), Talk("guest_77")
    memory.deliver(talk.turn("My parrot is called Coco."), other.turn("Something."))
    memory.merge("guest_77", "user_77")

    outcomes = memory.deliver(talk.revised(talk.turns[0], "It is called Rio."), other.deleted())

    assert outcomes == ["applied", "applied"]
    assert memory.show(talk.id, "user_77")["short_term"]["turns"][0]["user"] == "It is called Rio."
    assert memory.get(f"/v1/memory/conversations/{other.id}", "user_77").status_code == 404


@pytest.mark.parametrize("how", ["revised", "deleted", "forgotten"])
def test_what_was_erased_leaves_the_files_while_the_service_runs(
    running: Running, settings: Settings, how: str
) -> None:
    with running() as memory:
        talk, other = Talk(), Talk()
        memory.deliver(*(talk.turn(f"{CANARY} number {n}. " * 40, f"{CANARY}! " * 40) for n in range(4)))
        memory.deliver(other.turn("Something that stays."))

        if how == "forgotten":
            memory.forget(talk.id)
        else:
            memory.deliver(*([talk.deleted()] if how == "deleted" else map(talk.revised, talk.turns)))

        eventually(lambda: files_with_canary(settings.service_data) == [])
        assert len(memory.search("something stays")) == 1


async def test_a_scrub_that_the_end_of_the_process_came_before_is_done_by_the_next(
    running: Running, settings: Settings
) -> None:
    with running():
        pass
    with Database(settings.service_data, []) as database:
        await database.write(lambda tx: tx.run("insert into erasures (erased_at) values (0)"))
        await database.write(lambda tx: tx.run("create table left_behind as select ? as text", CANARY))
        await database.write(lambda tx: tx.run("drop table left_behind"))
    size_before = file_size(settings)

    with running():
        eventually(lambda: file_size(settings) < size_before)
