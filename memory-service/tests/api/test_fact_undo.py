"""Every change of a fact can be looked up and taken back, the newest first; what was superseded can hold again."""

import random
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from ..curator import Curator, code, state


def test_changes_are_taken_back_one_by_one_until_the_fact_is_as_it_was_made(ada: Curator) -> None:
    fact = ada.writes("Owns a boat.")
    states = [state(fact)]
    for change in ({"text": "Owns a canoe."}, {"priority": 9}, {"status": "pinned"}, {"status": "forgotten"}):
        states.append(state(ada.changes(fact, **change)))
    assert ada.happened(fact) == ["forgotten", "pinned", "edited", "edited", "created"]

    taken_back = [state(ada.does("undo", fact)) for _ in range(4)]

    assert taken_back == states[-2::-1]
    assert ada.happened(fact) == ["created"]
    assert code(ada.asks("POST", f"/{fact['id']}/undo")) == (409, "fact_change_not_undoable")
    assert state(ada.find(fact)) == states[0]


def test_history_tells_what_was_there_before_and_who_changed_it(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I collect stamps.", "Collects stamps.")

    ada.changes(fact, text="Collects coins.", status="pinned")

    edited, created = ada.history(fact)
    assert edited == {
        "object": "memory.change",
        "at": edited["at"],
        "actor": "user",
        "change": "edited",
        "before": state(fact),
    }
    assert (created["actor"], created["change"], created["before"]) == ("fold", "created", None)


@pytest.mark.parametrize(
    ("act", "status", "named"),
    [
        ({"status": "pinned"}, "pinned", "pinned"),
        ({"status": "forgotten"}, "forgotten", "forgotten"),
        ({"status": "rejected"}, "rejected", "rejected"),
        ({"status": "active"}, "active", "approved"),
    ],
)
def test_what_was_settled_about_a_proposed_fact_can_be_taken_back(
    ada: Curator, model: OfflineLLM, act: dict[str, str], status: str, named: str
) -> None:
    proposed = ada.learned(model, "I suppose mountains.", "Spends holidays hiking in the alps.")

    settled = ada.changes(proposed, **act)

    assert settled["status"] == status
    assert ada.happened(proposed) == [named, "created"]
    assert state(ada.does("undo", proposed)) == state(proposed)


def test_a_fact_that_only_the_user_bears_out_stays_the_users(ada: Curator, model: OfflineLLM) -> None:
    talk = ada.says(model, "I collect stamps.", "Collects stamps.")
    (fact,) = ada.listed()
    ada.changes(fact, status="pinned")
    ada.memory.forget(talk.id, ada.id)

    undone = ada.does("undo", fact)

    assert (undone["status"], undone["edited"], undone["sources"]) == ("active", True, 0)


def test_a_fact_that_replaces_another_ends_it_and_both_stay_to_be_seen(ada: Curator) -> None:
    old = ada.writes("Lives in Graz.")

    new = ada.writes("Lives in Linz.", replaces=old["id"])

    ended = ada.find(old)
    assert (ended["status"], ended["superseded_by"], ended["valid_to"]) == ("superseded", new["id"], new["valid_from"])
    assert ada.known() == ["Lives in Linz."]
    assert ada.texts(status="superseded") == ["Lives in Graz."]
    assert ada.happened(old) == ["superseded", "created"]


def test_taking_a_supersession_back_puts_the_successor_in_doubt(ada: Curator, model: OfflineLLM) -> None:
    old = ada.learned(model, "I live in Graz.", "Lives in Graz.")
    new = ada.learned(model, "I live in Linz now.", "Lives in Linz now.", replaces=["f1"])
    assert (ada.find(old)["status"], ada.find(old)["superseded_by"]) == ("superseded", new["id"])

    again = ada.does("undo", old)

    assert state(again) == state(old)
    assert ada.find(new)["status"] == "proposed"
    assert ada.happened(new) == ["set_aside", "created"]
    assert ada.known() == ["Lives in Graz."]
    assert ada.does("undo", new)["status"] == "active"


@pytest.mark.parametrize("act", [{"text": "Works in Linz."}, {"status": "pinned"}])
def test_a_successor_that_the_user_has_seen_to_meanwhile_stays_as_it_is(
    ada: Curator, model: OfflineLLM, act: dict[str, str]
) -> None:
    old = ada.learned(model, "I live in Graz.", "Lives in Graz.")
    new = ada.learned(model, "I live in Linz now.", "Lives in Linz now.", replaces=["f1"])
    seen_to = ada.changes(new, **act)

    ada.does("undo", old)

    assert ada.find(new) == seen_to
    assert sorted(ada.known()) == sorted([old["text"], seen_to["text"]])


def test_a_fact_that_holds_again_puts_the_last_of_its_successors_in_doubt(ada: Curator) -> None:
    first = ada.writes("Lives in Graz.")
    second = ada.writes("Lives in Linz.")
    third = ada.writes("Lives in Vienna.")
    ada.does("approve", second, replaces=first["id"])
    ada.does("approve", third, replaces=second["id"])

    ada.does("undo", first)

    assert [ada.find(each)["status"] for each in (first, second, third)] == ["active", "superseded", "proposed"]


def test_what_a_deleted_fact_had_superseded_holds_again(ada: Curator) -> None:
    old = ada.writes("Lives in Graz.")
    new = ada.writes("Lives in Linz.", replaces=old["id"])

    ada.deletes(new)

    assert state(ada.find(old)) == state(old)
    assert ada.happened(old) == ["created"]


def test_a_deleted_fact_in_the_middle_leaves_the_first_superseded_by_the_last(ada: Curator) -> None:
    first = ada.writes("Lives in Graz.")
    second = ada.writes("Lives in Linz.", replaces=first["id"])
    third = ada.writes("Lives in Vienna.", replaces=second["id"])

    ada.deletes(second)

    assert ada.find(first)["superseded_by"] == third["id"]
    assert state(ada.does("undo", first)) == state(first)


def test_a_superseded_fact_is_history_until_that_is_taken_back(ada: Curator) -> None:
    old = ada.writes("Lives in Graz.")
    new = ada.writes("Lives in Linz.", replaces=old["id"])
    mine = f"/{old['id']}"

    refused = [
        ada.asks("PATCH", mine, body={"text": "Lived in Graz."}),
        ada.asks("POST", f"{mine}/approve"),
        ada.asks("POST", f"{mine}/reject"),
    ]

    assert {code(each) for each in refused} == {(409, "fact_superseded")}
    again = ada.asks("POST", body={"text": "Lives in Vienna.", "replaces": old["id"]})
    assert code(again) == (409, "fact_not_in_force")
    assert ada.known() == [new["text"]]


def test_a_proposed_fact_replaces_another_only_when_its_approval_says_so(ada: Curator, model: OfflineLLM) -> None:
    old = ada.writes("Lives in Graz.")
    proposed = ada.learned(model, "I live in Linz now.", "Lives in Linz now.", replaces=["f1"])
    assert proposed["status"] == "proposed"

    ada.does("approve", proposed)
    assert ada.find(old)["status"] == "active"
    ada.does("approve", proposed, replaces=old["id"])

    assert ada.find(old)["superseded_by"] == proposed["id"]
    assert ada.known() == ["Lives in Linz now."]


def test_an_approval_that_is_taken_back_replaces_nothing_any_more(ada: Curator, model: OfflineLLM) -> None:
    old = ada.writes("Lives in Graz.")
    proposed = ada.learned(model, "I live in Linz now.", "Lives in Linz now.", replaces=["f1"])
    ada.does("approve", proposed, replaces=old["id"])

    ada.does("undo", proposed)

    assert state(ada.find(old)) == state(old)
    assert ada.happened(old) == ["created"]
    assert ada.find(proposed)["status"] == "proposed"
    assert ada.known() == ["Lives in Graz."]


def test_writing_what_is_in_force_already_can_replace_another_and_never_itself(ada: Curator) -> None:
    old = ada.writes("Lives in Graz.")
    new = ada.writes("Lives in Linz.")

    ada.writes("lives in linz", replaces=old["id"])
    ada.writes("Lives in Linz.", replaces=new["id"])

    assert ada.find(old)["superseded_by"] == new["id"]
    assert ada.find(new) == new


@pytest.mark.parametrize("seed", range(2))
def test_whatever_a_user_does_in_whatever_order_each_change_can_be_looked_up_and_taken_back(
    ada: Curator, seed: int
) -> None:
    dice = random.Random(seed)
    facts = [ada.writes(f"Owns boat number {number}.") for number in range(3)]

    now: dict[str, Any] = {}
    for _ in range(40):
        before, answer = now, ada.asks(*anything(dice, facts))

        assert answer.status_code in (200, 201, 409), answer.text
        facts = ada.listed(status="any", limit=100)
        now = {fact["id"]: (state(fact), ada.history(fact)) for fact in facts}
        for fact_id, (then, former) in before.items():
            fact, history = now[fact_id]
            assert (fact["status"] == "superseded") == (fact["superseded_by"] is not None)
            if len(history) > len(former):
                assert history[0]["before"] == then
            else:
                assert fact == (former[0]["before"] if len(history) < len(former) else then)


def anything(dice: random.Random, facts: list[Any]) -> tuple[str, str, Any]:
    """Something that a user can do with one of the facts: method, path and body."""
    fact, other = dice.choice(facts), dice.choice(facts)["id"]
    mine = f"/{fact['id']}"
    return dice.choice(
        [
            ("PATCH", mine, {"status": dice.choice(["active", "pinned", "forgotten", "rejected"])}),
            ("PATCH", mine, {"text": f"Owns boat {dice.random()}."}),
            ("PATCH", mine, {"priority": dice.randint(0, 10)}),
            ("POST", f"{mine}/approve", {"replaces": other}),
            ("POST", f"{mine}/reject", None),
            ("POST", f"{mine}/undo", None),
            ("POST", "", {"text": fact["text"], "replaces": other}),
        ]
    )
