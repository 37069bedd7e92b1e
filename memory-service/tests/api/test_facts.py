"""A user writes, sees, corrects, settles and deletes what is remembered about them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings

from ..conftest import CANARY, Memory, Running, files_with_canary
from ..curator import FACTS, Curator, code, state


@pytest.fixture
def eve(memory: Memory) -> Curator:
    return Curator(memory)


def test_a_fact_that_the_user_writes_is_in_force_and_in_the_context_of_every_conversation(
    ada: Curator, model: OfflineLLM
) -> None:
    talk = ada.says(model, "How deep is the lake?", "Asks about lakes.")

    answer = ada.asks("POST", body={"text": "  Is called\u2003Ada. ", "kind": "profile", "priority": 9})

    fact = answer.json()
    assert answer.status_code == 201
    assert fact == {
        "object": "memory.fact",
        "id": fact["id"],
        "text": "Is called Ada.",
        "kind": "profile",
        "priority": 9,
        "status": "active",
        "valid_from": fact["created_at"],
        "valid_to": None,
        "superseded_by": None,
        "edited": True,
        "sources": 0,
        "created_at": fact["created_at"],
        "updated_at": fact["created_at"],
    }
    assert fact["id"].startswith("mem_")
    assert ada.find(fact) == fact
    assert ada.sources(fact) == []
    assert "Is called Ada." in ada.known()
    assert "Is called Ada." in ada.known(talk)


def test_a_fact_that_a_fold_found_shows_where_it_was_said(ada: Curator, model: OfflineLLM) -> None:
    talk = ada.says(model, "My violin teacher is Ludmilla Brandt.", "Violin teacher is Ludmilla Brandt.")

    (fact,) = ada.listed()

    (source,) = ada.sources(fact)
    assert source == {
        "object": "memory.source",
        "turn_id": talk.turns[0],
        "conversation_id": talk.id,
        "quote": "My violin teacher is Ludmilla Brandt.",
        "created_at": source["created_at"],
    }
    assert (fact["status"], fact["edited"], fact["sources"]) == ("active", False, 1)
    assert fact["valid_from"] == source["created_at"]
    assert ada.history(fact) == [
        {"object": "memory.change", "at": fact["created_at"], "actor": "fold", "change": "created", "before": None}
    ]


def test_the_same_text_is_stored_once_while_it_is_in_force(ada: Curator) -> None:
    first = ada.writes("Drinks tea.", priority=3)

    again = ada.asks("POST", body={"text": " drinks  TEA", "priority": 8})

    assert (again.status_code, again.json()) == (200, first)
    ada.changes(first, status="forgotten")
    assert ada.writes("Drinks tea.")["id"] != first["id"]


def test_what_a_fold_found_is_the_users_once_the_user_writes_it_too(ada: Curator, model: OfflineLLM) -> None:
    talk = ada.says(model, "I drink tea")
    (found,) = ada.listed()

    again = ada.writes("I drink tea.", pinned=True)

    assert again == {**found, "status": "pinned", "edited": True, "updated_at": again["updated_at"]}
    assert ada.happened(found) == ["pinned", "created"]
    ada.memory.forget(talk.id, ada.id)
    assert ada.known() == ["I drink tea"]


def test_what_the_user_writes_counts_everywhere_though_it_was_said_somewhere(ada: Curator, model: OfflineLLM) -> None:
    ada.memory.keep_facts_apart(ada.id)
    ada.says(model, "I drink tea")

    ada.writes("I drink tea")

    assert ada.known() == ["I drink tea"]


def test_a_correction_replaces_the_text_everywhere_and_no_fold_undoes_it(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I live in Graz.", "Lives in Graz.")

    corrected = ada.changes(fact, text="Lives in Linz.", priority=9)

    ada.says(model, "I live in Vienna by the river.", "Lives in Vienna by the river.", replaces=["f1"])
    assert (corrected["text"], corrected["priority"], corrected["edited"]) == ("Lives in Linz.", 9, True)
    assert corrected["kind"] == fact["kind"]
    assert ada.find(fact) == corrected
    assert ada.known() == ["Lives in Linz."]
    assert ada.texts(status="proposed") == ["Lives in Vienna by the river."]


def test_a_proposed_fact_is_used_once_it_is_approved(ada: Curator, model: OfflineLLM) -> None:
    proposed = ada.learned(model, "I suppose mountains.", "Spends holidays hiking in the alps.")
    assert (proposed["status"], ada.known()) == ("proposed", [])

    approved = ada.does("approve", proposed)

    assert (approved["status"], approved["edited"]) == ("active", True)
    assert ada.known() == ["Spends holidays hiking in the alps."]
    assert ada.does("approve", proposed) == approved
    assert ada.happened(proposed) == ["approved", "created"]


def test_a_rejected_fact_is_in_no_context_and_no_fold_brings_it_back(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I collect stamps.", "Collects stamps.")

    rejected = ada.does("reject", fact)

    ada.says(model, "I collect stamps, as you know.", "Collects stamps.")
    assert rejected["status"] == "rejected"
    assert ada.known() == ada.listed() == []
    assert ada.texts(status="any") == ["Collects stamps."]
    assert state(ada.does("reject", fact)) == state(rejected)
    assert ada.happened(fact) == ["rejected", "created"]


def test_a_pinned_fact_has_its_place_in_the_context_before_all_others(ada: Curator) -> None:
    text = "Has not yet seen the lighthouse on the far side of the island on any evening."
    pinned = ada.writes(text, priority=0, pinned=True)
    for number in range(30):
        ada.writes(f"Has seen the lighthouse number {number} of the coast on a stormy evening.", priority=10)

    known = ada.known()

    assert pinned["status"] == "pinned"
    assert len(known) < 30
    assert text in known
    assert ada.changes(pinned, status="active")["status"] == "active"
    assert ada.happened(pinned) == ["unpinned", "created"]
    assert text not in ada.known()


def test_a_forgotten_fact_is_in_no_context_until_it_is_taken_back(ada: Curator) -> None:
    fact = ada.writes("Owns a sextant.")

    ada.changes(fact, status="forgotten")

    assert ada.known() == []
    assert ada.texts(status="forgotten") == ["Owns a sextant."]
    assert state(ada.does("undo", fact)) == state(fact)
    assert ada.known() == ["Owns a sextant."]


def test_only_what_is_given_changes_and_nothing_is_no_change(ada: Curator) -> None:
    fact = ada.writes("Drinks tea.", kind="preference", priority=4)

    same = [ada.changes(fact), ada.changes(fact, text="Drinks tea.", priority=4), ada.changes(fact, status="active")]

    assert same == [fact, fact, fact]
    assert ada.happened(fact) == ["created"]


def test_what_settles_no_truth_does_not_lock_a_fact(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I collect stamps.", "Collects stamps.")

    changes = [{"priority": 2}, {"kind": "preference"}, {"status": "forgotten"}, {"status": "rejected"}]

    assert [ada.changes(fact, **each)["edited"] for each in changes] == [False] * 4
    assert ada.changes(fact, status="pinned")["edited"] is True


def test_deleting_says_what_went_and_is_for_good(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I collect stamps.", "Collects stamps.")
    ada.changes(fact, text="Collects coins.")

    receipt = ada.deletes(fact)

    assert receipt == {"object": "memory.fact.deleted", "id": fact["id"], "deleted": True, "sources": 1, "changes": 2}
    assert code(ada.asks("DELETE", f"/{fact['id']}")) == (404, "fact_not_found")
    assert ada.listed(status="any") == []


@pytest.mark.parametrize("text", ["Collects stamps.", "Collects coins."])
def test_neither_what_a_deleted_fact_said_nor_what_it_once_said_comes_back_from_a_fold(
    ada: Curator, model: OfflineLLM, text: str
) -> None:
    fact = ada.learned(model, "I collect stamps.", "Collects stamps.")
    ada.changes(fact, text="Collects coins.")
    ada.deletes(fact)

    ada.says(model, f"It is so: {text}", text)

    assert ada.listed(status="any") == []


@pytest.mark.parametrize(
    "writes", [Curator.writes, lambda ada, text: ada.changes(ada.writes("Owns a boat."), text=text)]
)
def test_a_user_may_write_again_what_was_deleted_and_then_folds_may_find_it_again(
    ada: Curator, model: OfflineLLM, writes: Callable[[Curator, str], Any]
) -> None:
    ada.deletes(ada.learned(model, "I collect stamps.", "Collects stamps."))

    written = writes(ada, "Collects stamps.")

    assert ada.known() == ["Collects stamps."]
    ada.changes(written, text="Collects nothing.")
    assert ada.learned(model, "I do collect stamps.", "Collects stamps.")["status"] == "active"


def test_a_deleted_fact_leaves_no_byte_of_itself_in_any_file(running: Running, settings: Settings) -> None:
    with running() as memory:
        ada = Curator(memory)
        fact = ada.writes(f"Parrot is called {CANARY}.")
        other = ada.writes("Owns a parrot.", replaces=fact["id"])
        ada.does("undo", fact)
        ada.changes(fact, text=f"Parrots are called {CANARY} and Coco.")
        assert files_with_canary(settings.service_data)

        ada.deletes(fact)

        eventually(lambda: not files_with_canary(settings.service_data))
        assert [each["id"] for each in ada.listed(status="any")] == [other["id"]]
    assert files_with_canary(settings.service_data) == []


def test_a_text_that_was_taken_back_leaves_every_file(running: Running, settings: Settings) -> None:
    with running() as memory:
        ada = Curator(memory)
        fact = ada.changes(ada.writes("Owns a boat."), text=f"Password is {CANARY}.")

        ada.does("undo", fact)

        eventually(lambda: not files_with_canary(settings.service_data))


def test_someone_elses_fact_is_answered_as_one_that_is_not_there(ada: Curator, eve: Curator) -> None:
    fact = ada.writes("Keeps a secret.")
    own = eve.writes("Is curious.")
    acts = [
        ("GET", "", None),
        ("PATCH", "", {"text": "Keeps none."}),
        ("DELETE", "", None),
        ("GET", "/sources", None),
        ("GET", "/history", None),
        *(("POST", f"/{act}", None) for act in ("approve", "reject", "undo")),
    ]

    for method, path, body in acts:
        foreign = eve.asks(method, f"/{fact['id']}{path}", body=body)
        missing = eve.asks(method, f"/{new_id('mem')}{path}", body=body)
        assert code(foreign) == code(missing) == (404, "fact_not_found")
    for answer in (
        eve.asks("POST", body={"text": "Knows it.", "replaces": fact["id"]}),
        eve.asks("POST", f"/{own['id']}/approve", body={"replaces": fact["id"]}),
    ):
        assert code(answer) == (404, "fact_not_found")
        assert answer.json()["error"]["param"] == "replaces"
    assert ada.find(fact) == fact
    assert eve.texts(status="any") == ["Is curious."]


def test_a_token_of_an_account_that_is_gone_changes_nothing(ada: Curator, eve: Curator) -> None:
    fact = ada.writes("Drinks tea.")
    mine = f"/{fact['id']}"
    ada.memory.merge(ada.id, eve.id)

    refused = [
        ada.asks("POST", body={"text": "Drinks beer."}),
        ada.asks("PATCH", mine, body={"text": "Drinks beer."}),
        ada.asks("DELETE", mine),
        *(ada.asks("POST", f"{mine}/{act}") for act in ("approve", "reject", "undo")),
    ]

    assert {code(each) for each in refused} == {(401, "invalid_token")}
    assert eve.listed(status="any") == [fact]


def test_a_credential_that_may_only_read_changes_nothing(ada: Curator) -> None:
    fact = ada.writes("Drinks tea.")
    mine = f"/{fact['id']}"

    refused = [
        ada.asks("POST", body={"text": "Drinks beer."}, scope="memory:read"),
        ada.asks("PATCH", mine, body={"text": "Drinks beer."}, scope="memory:read"),
        ada.asks("DELETE", mine, scope="memory:read"),
        *(ada.asks("POST", f"{mine}/{act}", scope="memory:read") for act in ("approve", "reject", "undo")),
    ]

    assert {code(each) for each in refused} == {(403, "insufficient_scope")}
    assert ada.asks("GET", mine, scope="memory:read").json() == fact


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": "   "}, "text"),
        ({"text": "\x1c"}, "text"),
        ({"text": "\u200b\u200d"}, "text"),
        ({"text": "x" * 301}, "text"),
        ({"text": "\u0958" * 300}, "text"),  # twice as many in its normal form
        ({"text": "Nul\x00."}, "text"),
        ({"text": "Bell\x07."}, "text"),
        ({"text": "Turned \u202e round."}, "text"),
        ({"text": 7}, "text"),
        ({"text": "Fine.", "kind": "gossip"}, "kind"),
        ({"text": "Fine.", "priority": 11}, "priority"),
        ({"text": "Fine.", "priority": "5"}, "priority"),
        ({"text": "Fine.", "pinned": "yes"}, "pinned"),
        ({"text": "Fine.", "replaces": ""}, "replaces"),
    ],
)
def test_what_is_no_fact_is_refused(ada: Curator, body: dict[str, object], param: str) -> None:
    answer = ada.asks("POST", body=body)

    assert code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["param"] == param
    assert ada.listed() == []


@pytest.mark.parametrize("field", ["status", "owner", "edited_by", "valid_from", "sources"])
def test_fields_that_do_not_exist_are_refused(ada: Curator, field: str) -> None:
    fact = ada.writes("Drinks tea.")

    assert code(ada.asks("POST", body={"text": "Fine.", field: "x"})) == (400, "unknown_parameter")
    if field != "status":
        assert code(ada.asks("PATCH", f"/{fact['id']}", body={field: "x"})) == (400, "unknown_parameter")
    assert code(ada.asks("PATCH", f"/{fact['id']}", body={"status": "superseded"})) == (422, "invalid_request")


def test_half_a_character_is_refused(ada: Curator) -> None:
    headers = ada.memory.auth.headers(ada.id) | {"content-type": "application/json"}

    answer = ada.memory.http.post(FACTS, content=json.dumps({"text": "Half \ud800."}), headers=headers)

    assert answer.status_code == 422
    assert ada.listed() == []


@pytest.mark.parametrize(
    "text",
    [
        "喜欢喝茶。",
        "يسكن في فيينا.",
        "نمی\u200cخواهد قهوه بنوشد.",
        "Lebt in Österreich 👩\u200d👩\u200d👧.",
        "%27; drop table facts; -- <b>",
        "x" * 300,
    ],
)
def test_every_language_is_kept_as_it_was_written(ada: Curator, text: str) -> None:
    fact = ada.writes(text)

    assert fact["text"] == text
    assert ada.asks("POST", body={"text": text}).status_code == 200
    ada.deletes(fact)
    assert ada.writes(text)["status"] == "active"


def test_changes_at_the_same_time_are_all_made_one_after_the_other(ada: Curator) -> None:
    fact = ada.writes("Owns 0 boats.")
    texts = [f"Owns {number} boats." for number in range(1, 25)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: ada.changes(fact, text=text), texts))

    before = [each["before"]["text"] for each in ada.history(fact) if each["before"]]
    assert sorted([ada.find(fact)["text"], *before]) == sorted(["Owns 0 boats.", *texts])
