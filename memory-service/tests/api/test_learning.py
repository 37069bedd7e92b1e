"""What folds find out meets what is known: it is added, said again, true instead of it, or not wanted."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chassis.database import Database, Transaction
from chassis.testing import eventually
from chassis.tokens import estimate_tokens
from dev.offline_llm.testing import OfflineLLM
from memory_service.settings import Settings
from memory_service.stores.facts import FACTS_PER_OWNER, USER, Facts

from ..conftest import Memory, Running, Talk, asked_about, folded, go_on
from ..curator import Curator, folds_to


def goes_on(memory: Memory, talk: Talk, turn: dict[str, Any]) -> None:
    """Delivers a talk's first turn and as many others as make it due to be folded."""
    memory.deliver(turn, *(talk.turn(f"Go on with number {n}.") for n in range(4)))


def folding(ada: Curator, model: OfflineLLM, said: str, text: str, **more: Any) -> Talk:
    """A talk whose fold, to that fact, is with the model until `go_on`."""
    talk = Talk(ada.id)
    turn = talk.turn(said)
    rule = folds_to(talk, said, text, **more)
    model.misbehave({**rule, "fault": {**rule["fault"], "held": True}})
    goes_on(ada.memory, talk, turn)
    eventually(lambda: asked_about(model, talk.turns[0]))
    return talk


def saved(tx: Transaction, reply: str, known_facts: list[str]) -> None:
    """Puts the database where a worker leaves it that died once the reply to the fold of three turns was there."""
    tx.run(
        "update jobs set reply = ?, depth_from = 1, depth_to = 3, known_facts = ?, next_try_at = 0",
        reply,
        json.dumps(known_facts),
    )


def filled_up(tx: Transaction, owner: str, fact_id: str) -> None:
    """Gives the owner as many facts like that one as memory keeps."""
    fact = Facts(tx).find(owner, fact_id)
    assert fact is not None
    for number in range(FACTS_PER_OWNER - 1):
        Facts(tx).add(replace(fact, id=f"mem_{number}", text=f"Has read volume {number}.", priority=1, edited_by=USER))


def test_a_fact_that_is_not_true_any_more_gives_way_and_is_kept_as_history(ada: Curator, model: OfflineLLM) -> None:
    old = ada.learned(model, "I live in Graz")

    talk = ada.says(model, "I moved to Vienna", replaces=["f1"])

    (new,) = ada.listed()
    assert new["text"] == "I moved to Vienna"
    assert ada.find(old) == {
        **old,
        "status": "superseded",
        "valid_to": new["valid_from"],
        "superseded_by": new["id"],
        "updated_at": ada.find(old)["updated_at"],
    }
    assert ada.happened(old) == ["superseded", "created"]
    assert ada.known(talk) == ada.known() == ["I moved to Vienna"]
    assert "f1: I live in Graz" in asked_about(model, talk.turns[0])[0]["messages"][-1]["content"]


def test_the_offline_model_sees_a_contradiction_too(ada: Curator) -> None:
    for said in ("I live in Graz.", "I moved to Vienna."):
        talk = Talk(ada.id)
        goes_on(ada.memory, talk, talk.turn(said))
        ada.memory.eventually(talk.id, folded, ada.id)

    assert ada.known() == ["I moved to Vienna."]


def test_a_fact_that_is_only_proposed_replaces_nothing(ada: Curator, model: OfflineLLM) -> None:
    ada.says(model, "I live in Graz")

    ada.says(model, "It is warm here", "Owns three restaurants beside the Danube.", replaces=["f1"])

    assert ada.known() == ["I live in Graz"]
    assert ada.texts(status="proposed") == ["Owns three restaurants beside the Danube."]


def test_a_fact_cannot_replace_what_the_fold_was_not_told_of(ada: Curator, model: OfflineLLM) -> None:
    other = Curator(ada.memory)
    theirs = other.learned(model, "I live in Graz")

    ada.says(model, "I moved to Vienna", replaces=["f1", "f2", theirs["id"], ""])

    assert other.known() == ["I live in Graz"]
    assert ada.known() == ["I moved to Vienna"]


@pytest.mark.parametrize("settled", [{"text": "Lives in Linz."}, {"status": "pinned"}], ids=["edited", "pinned"])
def test_what_contradicts_a_fact_that_the_user_settled_is_only_proposed(
    ada: Curator, model: OfflineLLM, settled: dict[str, str]
) -> None:
    fact = ada.changes(ada.learned(model, "I live in Graz"), **settled)

    ada.says(model, "I moved to Vienna", replaces=["f1"])

    assert ada.listed() == [fact]
    assert ada.known() == [fact["text"]]
    assert ada.texts(status="proposed") == ["I moved to Vienna"]


def test_an_edit_while_a_fold_runs_survives_it(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I live in Graz")
    talk = folding(ada, model, "I moved to Vienna", "I moved to Vienna", replaces=["f1"])

    edited = ada.changes(fact, text="Lives in Linz.")
    go_on(model)
    ada.memory.eventually(talk.id, folded, ada.id)

    assert ada.listed() == [edited]
    assert ada.texts(status="proposed") == ["I moved to Vienna"]


def test_what_is_forgotten_while_a_fold_runs_stays_forgotten(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I live in Graz")
    talk = folding(ada, model, "I moved to Vienna", "I moved to Vienna", replaces=["f1"])

    forgotten = ada.changes(fact, status="forgotten")
    go_on(model)
    ada.memory.eventually(talk.id, folded, ada.id)

    assert ada.find(fact) == forgotten
    assert ada.known() == ["I moved to Vienna"]


def test_a_fact_that_is_deleted_while_a_fold_finds_it_does_not_come_back(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I live in Graz")
    talk = folding(ada, model, "I live in Graz", "The user lives in Graz.")

    ada.deletes(fact)
    go_on(model)
    ada.memory.eventually(talk.id, folded, ada.id)

    assert ada.texts(status="any") == []


@pytest.mark.parametrize("act", ["delete", "reject", "forget"])
def test_what_the_user_does_not_want_does_not_come_back_in_other_words(
    ada: Curator, model: OfflineLLM, act: str
) -> None:
    fact = ada.learned(model, "I live in Graz now")
    if act == "delete":
        ada.deletes(fact)
    elif act == "reject":
        ada.does("reject", fact)
    else:
        ada.changes(fact, status="forgotten")

    ada.says(model, "Now in GRAZ I live", "In Graz the user lives now.")
    ada.says(model, "I do not live in Graz now")

    assert ada.texts() == ["I do not live in Graz now"]


def test_what_was_deleted_written_anew_and_deleted_again_does_not_come_back(ada: Curator, model: OfflineLLM) -> None:
    ada.deletes(ada.learned(model, "I live in Graz"))
    ada.deletes(ada.writes("Graz I live in"))

    ada.says(model, "I live in Graz")

    assert ada.texts() == []


def test_what_one_user_deletes_another_may_say(ada: Curator, model: OfflineLLM) -> None:
    other = Curator(ada.memory)
    ada.deletes(ada.learned(model, "I live in Graz"))

    other.says(model, "I live in Graz")

    assert other.known() == ["I live in Graz"]


def test_the_same_said_in_two_conversations_is_one_fact_with_two_sources(ada: Curator, model: OfflineLLM) -> None:
    first = ada.says(model, "I live in Graz")

    second = ada.says(model, "Yes: I live  in GRAZ", "i live in graz.")

    (fact,) = ada.listed()
    assert fact["text"] == "I live in Graz"
    assert {each["conversation_id"] for each in ada.sources(fact)} == {first.id, second.id}


def test_what_is_said_again_elsewhere_outlives_the_conversation_where_it_was_said_first(ada: Curator) -> None:
    talks = [Talk(ada.id), Talk(ada.id)]
    for talk in talks:
        goes_on(ada.memory, talk, talk.turn("I am allergic to peanuts."))
        ada.memory.eventually(talk.id, folded, ada.id)

    (fact,) = ada.listed()
    ada.memory.deliver(talks[0].deleted())

    assert fact["sources"] == 2
    assert ada.known(talks[1]) == ["I am allergic to peanuts."]


def test_a_question_about_a_fact_does_not_bear_it_out(ada: Curator, model: OfflineLLM) -> None:
    fact = ada.learned(model, "I live in Graz")

    ada.says(model, "Do I live in Graz?", "I live in Graz")

    assert ada.find(fact)["sources"] == 1


def test_facts_that_count_only_where_they_were_said_are_one_for_each_conversation(
    ada: Curator, model: OfflineLLM
) -> None:
    ada.memory.keep_facts_apart(ada.id)

    talks = [ada.says(model, "I live in Graz") for _ in range(2)]

    assert [fact["sources"] for fact in ada.listed()] == [1, 1]
    assert [ada.known(talk) for talk in talks] == [["I live in Graz"]] * 2
    assert "known_facts>" not in asked_about(model, talks[1].turns[0])[0]["messages"][-1]["content"]


def test_what_the_user_wrote_and_then_says_stays_what_the_user_wrote(ada: Curator, model: OfflineLLM) -> None:
    written = ada.writes("I live in Graz")

    ada.says(model, "I live in Graz")

    assert ada.listed() == [written]
    assert ada.sources(written) == []


def test_what_was_said_before_the_fact_that_contradicts_it_is_over(ada: Curator, model: OfflineLLM) -> None:
    talk = Talk(ada.id)
    turn = talk.turn("I moved to Vienna", created_at=2_000_000_000.0)
    model.misbehave(folds_to(talk, "I moved to Vienna", "I moved to Vienna"))
    goes_on(ada.memory, talk, turn)
    ada.memory.eventually(talk.id, folded, ada.id)

    ada.says(model, "I live in Graz", replaces=["f1"])

    assert ada.known() == ["I moved to Vienna"]
    (over,) = ada.listed(status="superseded")
    assert (over["text"], over["valid_to"]) == ("I live in Graz", 2_000_000_000)


def test_history_stays_history_when_its_turns_are_folded_again(ada: Curator, model: OfflineLLM) -> None:
    lived = ada.says(model, "I live in Graz")
    moved = Talk(ada.id)
    turn = moved.turn("I moved to Vienna", created_at=2_000_000_000.0)
    model.misbehave(folds_to(moved, "I moved to Vienna", "I moved to Vienna", replaces=["f1"]))
    goes_on(ada.memory, moved, turn)
    ada.memory.eventually(moved.id, folded, ada.id)
    model.misbehave(folds_to(lived, "I live in Graz", "I live in Graz"))

    ada.memory.deliver(lived.revised(lived.turns[1], "Go on with something else."))
    ada.memory.eventually(lived.id, lambda shown: folded(shown) and shown["long_term"]["interactions"], ada.id)

    assert ada.texts() == ["I moved to Vienna"]
    assert ada.texts(status="superseded") == ["I live in Graz"]


@pytest.mark.parametrize("again", ["I live in Gratz", "Lives in the town of Gratz."])
def test_what_the_user_corrected_is_not_found_again_in_the_same_words(
    ada: Curator, model: OfflineLLM, again: str
) -> None:
    talk = ada.says(model, "I live in Gratz")
    (found,) = ada.listed()
    corrected = ada.changes(found, text="Lives in Graz.")
    model.misbehave(folds_to(talk, "I live in Gratz", again))

    ada.memory.deliver(talk.revised(talk.turns[1], "Go on with something else."))
    ada.memory.eventually(talk.id, lambda shown: folded(shown) and shown["long_term"]["interactions"], ada.id)

    assert ada.listed(status="any") == [corrected]


def test_what_was_only_proposed_comes_into_force_when_the_user_says_it(ada: Curator, model: OfflineLLM) -> None:
    proposed = ada.learned(model, "It is warm here", "I own three restaurants")
    assert ada.known() == []

    ada.says(model, "I own three restaurants")

    assert ada.known() == ["I own three restaurants"]
    assert ada.happened(proposed) == ["confirmed", "created"]
    assert ada.does("undo", proposed)["status"] == "proposed"


def test_what_contradicts_a_settled_fact_stays_proposed_however_often_it_is_said(
    ada: Curator, model: OfflineLLM
) -> None:
    ada.writes("Lives in Linz.")

    for _ in range(2):
        ada.says(model, "I live in Graz", replaces=["f1"])

    (proposed,) = ada.listed(status="proposed")
    assert proposed["sources"] == 2
    assert ada.known() == ["Lives in Linz."]


async def test_a_reply_that_was_saved_means_the_facts_that_it_was_told_of(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada = Curator(memory)
        old = ada.learned(model, "I live in Graz")
    with running(fold_first_retry_seconds=60, fold_longest_retry_seconds=120) as memory:
        model.misbehave({"fault": {"status": 503}})
        talk = Talk(ada.id)
        goes_on(memory, talk, talk.turn("I moved to Vienna"))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["summarizer"]["attempts"] == 1, ada.id)
        bird = Curator(memory, ada.id).writes("Has a bird.", priority=10)
    reply = folds_to(talk, "I moved to Vienna", "I moved to Vienna", replaces=["f1"])["fault"]["content"]
    with Database(settings.service_data, []) as database:
        await database.write(lambda tx: saved(tx, reply, [old["id"]]))

    with running() as memory:
        ada = Curator(memory, ada.id)
        memory.eventually(talk.id, folded, ada.id)

        assert ada.texts(status="superseded") == ["I live in Graz"]
        assert ada.find(bird)["status"] == "active"


def test_known_facts_are_those_on_the_topic_and_few(ada: Curator, model: OfflineLLM) -> None:
    ada.says(model, "I live in Graz", priority=1)
    for number in range(40):
        ada.writes(f"Has read volume {number + 100} of a long encyclopedia.", priority=9)

    talk = ada.says(model, "I moved from Graz to Vienna", replaces=["f1"])

    prompt = asked_about(model, talk.turns[0])[0]["messages"][-1]["content"]
    known = prompt[: prompt.index("</known_facts>")]
    assert known.startswith("<known_facts>\nf1: I live in Graz\n")
    assert estimate_tokens(known) < 230
    assert ada.texts(status="superseded") == ["I live in Graz"]


async def test_a_fold_adds_nothing_to_as_many_facts_as_memory_keeps_of_a_user(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    with running() as memory:
        ada = Curator(memory)
        last = ada.learned(model, "I live in Graz")
    with Database(settings.service_data, []) as database:
        await database.write(lambda tx: filled_up(tx, ada.id, last["id"]))

    with running() as memory:
        ada = Curator(memory, ada.id)
        ada.says(model, "I live in Graz")
        ada.says(model, "My bird is called Rio")

        assert ada.find(last)["sources"] == 2
        assert "My bird is called Rio" not in ada.known()
        assert ada.asks("POST", body={"text": "Is called Ada."}).status_code == 409


@pytest.mark.parametrize("deleted", ["I can't swim", "I can’t swim"])
def test_who_deletes_that_something_cannot_be_may_still_say_that_it_can(
    ada: Curator, model: OfflineLLM, deleted: str
) -> None:
    ada.deletes(ada.writes(deleted))

    ada.says(model, "I can swim")

    assert ada.texts() == ["I can swim"]
