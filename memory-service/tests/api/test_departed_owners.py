"""A guest's memory becomes an account's, an erased account's is gone, and what comes late changes neither."""

import json
import threading
import time

import pytest

from chassis.ids import new_id
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import CANARY, Memory, Running, Talk, answered, asked_about, files_with_canary, folded, go_on, held


@pytest.fixture
def guest() -> str:
    return new_id("guest")


@pytest.fixture
def account() -> str:
    return new_id("user")


def remembered(memory: Memory, owner: str, parrot: str = "Coco") -> Talk:
    """A folded conversation: turns, index, episodes, facts."""
    talk = Talk(owner)
    memory.deliver(*(talk.turn(f"My parrot number {n} is called {parrot}.", f"{parrot}, noted.") for n in range(6)))
    assert parrot in json.dumps(memory.eventually(talk.id, folded, owner)["long_term"])
    return talk


def test_a_merged_guest_hands_over_all_that_is_remembered(memory: Memory, guest: str, account: str) -> None:
    talk = remembered(memory, guest)
    before = memory.show(talk.id, guest)
    asked = memory.context(talk.id, talk.turns[::-1], "parrot number 0", owner=guest)

    counts = memory.merge(guest, account)

    assert counts == {
        "conversations": 1,
        "turns": 6,
        "episodes": len(before["long_term"]["interactions"]),
        "facts": len(before["long_term"]["important_details"]),
    }
    assert counts["facts"] > 0
    assert memory.show(talk.id, account) == before
    assert {each["id"] for each in memory.search("parrot", account)} == set(talk.turns)
    assert memory.context(talk.id, talk.turns[::-1], "parrot number 0", owner=account) == asked
    assert asked["recall"] is not None


def test_a_merged_guest_finds_nothing_and_may_change_nothing(memory: Memory, guest: str, account: str) -> None:
    talk = remembered(memory, guest)

    memory.merge(guest, account)

    assert memory.get(f"/v1/memory/conversations/{talk.id}", guest).status_code == 404
    assert memory.search("parrot", guest) == []
    assert memory.forget(talk.id, guest).status_code == 401
    assert memory.forget(talk.id, account).status_code == 200


def test_what_the_account_had_stays_beside_what_the_guest_brings(memory: Memory, guest: str, account: str) -> None:
    own, brought, strangers = Talk(account), Talk(guest), Talk(new_id("user"))
    for talk in (own, brought, strangers):
        memory.deliver(talk.turn(f"A parrot of {talk.owner}."))

    memory.merge(guest, account)

    assert {each["conversation_id"] for each in memory.search("parrot", account)} == {own.id, brought.id}
    assert [each["conversation_id"] for each in memory.search("parrot", strangers.owner)] == [strangers.id]


def test_a_merge_that_is_repeated_counts_the_same_and_changes_nothing(memory: Memory, guest: str, account: str) -> None:
    talk = remembered(memory, guest)
    first = memory.merge(guest, account)
    shown = memory.show(talk.id, account)

    second = memory.merge(guest, account)

    assert second == first
    assert memory.show(talk.id, account) == shown


def test_chat_may_go_on_naming_the_guest_while_its_turn_runs(memory: Memory, guest: str, account: str) -> None:
    talk = Talk(guest)
    memory.deliver(talk.turn("My parrot is called Coco."))
    memory.merge(guest, account)

    context = memory.context(talk.id, talk.turns[::-1], "parrot", owner=guest)
    outcomes = memory.deliver(talk.turn("And it sings."), talk.turn("Beautifully.", owner=account))

    assert context["known_through"] == talk.turns[0]
    assert outcomes == ["applied", "applied"]
    assert [each["turn_id"] for each in memory.show(talk.id, account)["short_term"]["turns"]] == talk.turns
    assert memory.search("sings", account)[0]["id"] == talk.turns[1]


def test_a_conversation_that_is_first_heard_of_after_the_merge_is_the_accounts(
    memory: Memory, guest: str, account: str
) -> None:
    talk = Talk(guest)
    memory.merge(guest, account)

    memory.deliver(talk.turn("Said before, told after."))

    assert memory.get(f"/v1/memory/conversations/{talk.id}", guest).status_code == 404
    assert memory.show(talk.id, account)["statistics"]["turns"] == 1


def test_a_merged_guests_conversation_can_still_be_deleted_in_the_guests_name(
    memory: Memory, guest: str, account: str
) -> None:
    talk = Talk(guest)
    memory.deliver(talk.turn("Deleted just before signing up."))
    memory.merge(guest, account)

    memory.deliver(talk.deleted())

    assert memory.get(f"/v1/memory/conversations/{talk.id}", account).status_code == 404


def test_a_fold_that_is_running_ends_with_the_account_as_owner(
    memory: Memory, model: OfflineLLM, guest: str, account: str
) -> None:
    talk = Talk(guest)
    model.misbehave(held("Coco"))
    memory.deliver(*(talk.turn(f"My parrot number {n} is called Coco.") for n in range(5)))
    eventually(lambda: asked_about(model, talk.turns[0]))

    memory.merge(guest, account)
    go_on(model)
    shown = memory.eventually(talk.id, folded, account)

    assert "Coco" in json.dumps(shown["long_term"]["important_details"])
    assert memory.erase(account, new_id("gone"))["facts"] == len(shown["long_term"]["important_details"])


def test_an_erased_account_leaves_no_byte_of_itself_while_the_service_runs(
    running: Running, settings: Settings
) -> None:
    with running() as memory:
        talk = remembered(memory, "user_anna", CANARY)
        kept = remembered(memory, "user_boris")
        assert files_with_canary(settings.service_data)

        counts = memory.erase("user_anna")

        assert {path.name for path in settings.service_data.iterdir()} >= {"data.sqlite3", "data.sqlite3-wal"}
        assert files_with_canary(settings.service_data) == []
        assert (counts["conversations"], counts["turns"]) == (1, 6)
        assert counts["episodes"] > 0
        assert counts["facts"] > 0
        assert memory.erase("user_anna") == counts
        assert memory.get(f"/v1/memory/conversations/{talk.id}", "user_anna").status_code == 404
        assert memory.search("parrot", "user_anna") == []
        assert len(memory.search("parrot", "user_boris")) == len(kept.turns)


def test_no_byte_stays_of_what_a_guest_brought_into_an_erased_account(running: Running, settings: Settings) -> None:
    with running() as memory:
        talk = remembered(memory, "guest_1", CANARY)
        memory.merge("guest_1", "user_anna")

        memory.erase("user_anna")
        outcomes = memory.deliver(talk.turn(f"Late {CANARY}."), talk.turn(f"Later {CANARY}.", owner="user_anna"))

        assert outcomes == ["applied", "applied"]
        assert files_with_canary(settings.service_data) == []


def test_a_guest_who_is_merged_into_an_account_after_its_erasure_is_erased_too(
    running: Running, settings: Settings
) -> None:
    with running() as memory:
        remembered(memory, "guest_1", CANARY)
        memory.erase("user_anna")

        counts = memory.merge("guest_1", "user_anna")

        assert counts["turns"] == 6
        assert files_with_canary(settings.service_data) == []


def test_a_fold_that_is_running_writes_nothing_once_its_owner_is_erased(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    talk = Talk("user_anna")
    model.misbehave(held(CANARY))
    with running() as memory:
        memory.deliver(*(talk.turn(f"My parrot number {n} is called {CANARY}.") for n in range(5)))
        eventually(lambda: asked_about(model, talk.turns[0]))

        memory.erase("user_anna")
        go_on(model)
        eventually(lambda: answered(model, talk.turns[0]))
        time.sleep(0.1)

        assert files_with_canary(settings.service_data) == []
    assert files_with_canary(settings.service_data) == []


def test_late_events_of_an_erased_owner_are_taken_and_have_no_effect(memory: Memory, account: str) -> None:
    talk = Talk(account)
    memory.deliver(talk.turn("First."))
    pseudonym = new_id("gone")
    memory.erase(account, pseudonym)

    outcomes = memory.deliver(talk.turn("Late."), talk.deleted())

    assert outcomes == ["applied", "applied"]
    for owner in (account, pseudonym):
        assert memory.get(f"/v1/memory/conversations/{talk.id}", owner).status_code == 404
        assert memory.context(talk.id, talk.turns[::-1], "late", owner=owner)["known_through"] is None
        assert memory.search("late", owner) == []


def test_an_erased_user_may_change_nothing_with_a_token_that_still_lives(memory: Memory, account: str) -> None:
    memory.erase(account, new_id("gone"))

    answer = memory.forget("conv_1", account)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_events_that_race_with_an_erasure_leave_nothing_behind(running: Running, settings: Settings) -> None:
    talk = Talk("user_anna")
    events = [talk.turn(f"{CANARY} number {n}.") for n in range(60)]
    with running() as memory:
        memory.deliver(events[0])
        sender = threading.Thread(target=lambda: [memory.deliver(event) for event in events[1:]])
        sender.start()

        memory.erase("user_anna")
        sender.join()

        assert memory.search(CANARY, "user_anna") == []
        assert files_with_canary(settings.service_data) == []


def test_only_auth_decides_about_owners(memory: Memory, guest: str, account: str) -> None:
    body = {"owner": guest, "into": account}

    by_chat = memory.http.post(MERGE_PATH, json=body, headers=memory.chat_headers())
    by_a_user = memory.http.post(MERGE_PATH, json=body, headers=memory.auth.headers(account))
    by_nobody = memory.http.post(ERASE_PATH, json={"owner": account, "pseudonym": "gone_1"})
    forged = memory.http.post(MERGE_PATH, json=body, headers=memory.chat_headers("auth"))

    assert [answer.status_code for answer in (by_chat, by_a_user, by_nobody, forged)] == [403, 401, 401, 401]
    assert memory.merge(guest, account)["conversations"] == 0


def test_auths_secret_opens_none_of_chats_doors(memory: Memory) -> None:
    answer = memory.tell("/internal/context", owner="user_1")

    assert answer.status_code == 403


def test_what_was_erased_stays_erased_after_a_restart(running: Running) -> None:
    talk = Talk("user_anna")
    with running() as memory:
        memory.deliver(talk.turn("First."))
        memory.erase("user_anna")

    with running() as memory:
        memory.deliver(talk.turn("Late."))

        assert memory.get(f"/v1/memory/conversations/{talk.id}", "user_anna").status_code == 404
