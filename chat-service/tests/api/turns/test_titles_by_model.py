"""Titles by a model, where a deployment wants them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_open
from .neighbours import Neighbours

ASKED_FOR_A_TITLE = "<user>"

Start = Callable[..., AbstractContextManager[Chat]]


def title_of(chat: Chat, conversation_id: str) -> str | None:
    title: str | None = chat.http().get(f"/conversations/{conversation_id}").json()["title"]
    return title


def test_a_first_turn_gets_a_title_that_is_billed_as_one(start: Start, llm: OfflineLLM, neighbours: Neighbours) -> None:
    with start(titles="model") as chat:
        conversation_id = chat.ask("My dog is called Rex.")["conversation"]["id"]
        eventually(lambda: title_of(chat, conversation_id) != "My dog is called Rex.")
        for more in ("And my cat is Tom.", "Who is who?"):
            chat.ask(more, conversation=conversation_id)

        usage = neighbours.analytics.until("usage.recorded", 4)

        assert [row["purpose"] for row in chat.ledger()] == ["turn", "title", "turn", "turn"]
        assert len(llm.asked(ASKED_FOR_A_TITLE)) == 1
        [title] = [call for call in usage if call["purpose"] == "title"]
        assert title["conversation_id"] == conversation_id
        assert title["output_tokens"] <= 20
        assert len(title_of(chat, conversation_id) or "") <= 80


def test_a_title_that_cannot_be_had_leaves_the_first_words(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, status=500)

        conversation_id = chat.ask("My dog is called Rex.")["conversation"]["id"]

        eventually(lambda: len(chat.ledger()) == 2)
        assert [(row["purpose"], row["outcome"]) for row in chat.ledger()][1] == ("title", "failed")
        assert title_of(chat, conversation_id) == "My dog is called Rex."


def test_a_title_that_a_person_gave_meanwhile_stays(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, tokens_per_second=20)
        conversation_id = chat.ask("My dog is called Rex.")["conversation"]["id"]
        until_open(llm)

        chat.http().post(f"/conversations/{conversation_id}", json={"title": "Mine"})

        eventually(lambda: len(chat.ledger()) == 2)
        assert title_of(chat, conversation_id) == "Mine"


def test_a_title_of_a_turn_that_was_deleted_meanwhile_is_not_kept(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, tokens_per_second=20)
        response = chat.ask("My dog is called Rex.")
        conversation_id = response["conversation"]["id"]
        until_open(llm)
        chat.ask("What now?", conversation=conversation_id)

        chat.sdk().responses.delete(response["id"])

        eventually(lambda: len(chat.ledger()) == 3)
        assert title_of(chat, conversation_id) == "What now?"


def test_the_call_for_a_title_ends_with_the_account(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, hang_before_headers=True)
        chat.ask("My dog is called Rex.")
        until_open(llm)

        chat.erase("former_1")

        rows = chat.called("former_1").ledger()
        assert [(row["purpose"], row["outcome"]) for row in rows] == [("turn", "completed"), ("title", "cancelled")]


def test_a_process_that_stops_does_not_wait_for_titles(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, hang_before_headers=True)
        chat.ask("My dog is called Rex.")
        until_open(llm)

    with start(titles="model") as chat:
        assert [(row["purpose"], row["outcome"]) for row in chat.ledger()][1:] == [("title", "cancelled")]


def test_no_more_than_a_few_titles_are_made_at_once(start: Start, llm: OfflineLLM) -> None:
    with start(titles="model") as chat:
        llm.fail(ASKED_FOR_A_TITLE, hang_before_headers=True)
        for number in range(4):
            chat.ask(f"Number {number}.")
        until_open(llm, 4)

        beyond = chat.ask("One too many.")

        assert title_of(chat, beyond["conversation"]["id"]) == "One too many."
        chat.ask("And after it.", conversation=beyond["conversation"]["id"])
        assert len(llm.asked(ASKED_FOR_A_TITLE)) == 4
