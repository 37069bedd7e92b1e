"""An owner is erased: nothing is left but what was spent, under a name that leads to nobody; what runs is stopped."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any

import apsw
import httpx
import pytest

from chassis.ids import new_id
from chassis.owners import ERASE_PATH
from chassis.testing import eventually
from chat_service import generation
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, events_of, until_closed, until_open
from .neighbours import Neighbours

MODEL = {"path": "/v1/chat/completions"}
NOBODY = "http://127.0.0.1:9"
TURN: dict[str, Any] = {
    "model": "deepthinks",
    "input": "The words are one two three four five six seven eight.",
    "stream": True,
}
COMPLETION: dict[str, Any] = {
    "model": "deepthinks",
    "messages": [{"role": "user", "content": TURN["input"]}],
    "stream": True,
}
"""Seconds. The model hangs for longer than that; on an idle machine it is a matter of hundredths."""


@pytest.fixture
def pseudonym() -> str:
    return new_id("former")


def test_an_erased_user_leaves_nothing_but_what_was_spent(chat: Chat, pseudonym: str) -> None:
    other = chat.somebody_else()
    theirs = other.ask("Not to be touched.")
    first = chat.ask("A secret.")
    second = chat.ask("Another.", conversation=first["conversation"]["id"])
    chat.http().post("/responses", json={**TURN, "stream": False}, headers={"idempotency-key": "k"})

    counts = chat.erase(pseudonym)

    made = {"conversations": 2, "responses": 3, "idempotency_keys": 1, "ledger_rows": 3}
    assert {kind: count for kind, count in counts.items() if count} == made
    assert chat.erase(pseudonym) == counts
    with chat.http() as http:
        assert http.get("/conversations").json()["data"] == []
        assert [http.get(f"/responses/{each['id']}").status_code for each in (first, second)] == [404, 404]
    assert chat.ledger() == []
    assert [call["call_id"] for call in chat.called(pseudonym).ledger()][:2] == [first["id"], second["id"]]
    assert other.http().get(f"/responses/{theirs['id']}").json() == theirs
    assert len(other.ledger()) == 1


def began(chat: Chat, path: str, body: dict[str, Any], readers: ExitStack) -> httpx.Response:
    """A stream that was read up to its first words."""
    answer = readers.enter_context(chat.http().stream("POST", path, json=body))
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize("kept", [{}, {"store": False}])
def test_a_turn_that_streams_is_stopped_and_put_to_nobody(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours, pseudonym: str, kept: dict[str, Any]
) -> None:
    llm.misbehave({"match": MODEL, "fault": {"hang_after_chunks": 5}})
    with ExitStack() as readers:
        events = events_of(began(chat, "/responses", {**TURN, **kept}, readers).iter_lines())
        told = [next(events)]
        while told[-1]["type"] != "response.output_text.delta":
            told.append(next(events))
        resumed = f"/responses/{told[0]['response']['id']}"
        second = readers.enter_context(chat.http().stream("GET", resumed, params={"stream": True}))

        chat.erase(pseudonym)

        [spent] = chat.called(pseudonym).ledger()
        open_streams = llm.open_streams()
        told += events
        second.read()

    assert open_streams == 0
    assert told[-1]["response"]["status"] == "cancelled"
    assert chat.http().get(resumed).status_code == 404
    assert (spent["call_id"], spent["outcome"]) == (told[0]["response"]["id"], "cancelled")
    assert spent["input_tokens"] > 0 < spent["output_tokens"]
    neighbours.analytics.owner = pseudonym
    assert neighbours.analytics.until("usage.recorded")[0]["call_id"] == spent["call_id"]
    assert neighbours.memory.data_of("turn.ended") == []


def test_a_completion_that_streams_is_stopped_and_put_to_nobody(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours, pseudonym: str
) -> None:
    llm.misbehave({"match": MODEL, "fault": {"hang_after_chunks": 5}})
    with ExitStack() as readers:
        lines = began(chat, "/chat/completions", COMPLETION, readers).iter_lines()
        first = next(lines)

        chat.erase(pseudonym)

        [spent] = chat.called(pseudonym).ledger()
        open_streams = llm.open_streams()
        last = [line for line in lines if line][-1]

    assert open_streams == 0
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "invalid_token"
    assert (spent["call_id"], spent["outcome"]) == (json.loads(first.removeprefix("data: "))["id"], "cancelled")
    assert spent["input_tokens"] > 0 < spent["output_tokens"]
    neighbours.analytics.owner = pseudonym
    assert neighbours.analytics.until("usage.recorded")[0]["call_id"] == spent["call_id"]


@pytest.mark.parametrize(
    ("path", "body", "status"), [("/responses", TURN, 200), ("/chat/completions", COMPLETION, 401)]
)
def test_whoever_waits_for_a_whole_answer_waits_no_longer(
    chat: Chat, llm: OfflineLLM, pseudonym: str, path: str, body: dict[str, Any], status: int
) -> None:
    llm.misbehave({"match": MODEL, "fault": {"hang_before_headers": True}})
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(chat.http().post, path, json={**body, "stream": False})
        until_open(llm)

        chat.erase(pseudonym)

        answer = waiting.result()
    until_closed(llm)
    assert answer.status_code == status
    assert len(chat.called(pseudonym).ledger()) == 1


def test_what_a_guest_began_ends_with_the_account_that_the_guest_became(
    chat: Chat, llm: OfflineLLM, pseudonym: str
) -> None:
    account = chat.somebody_else()
    llm.misbehave({"match": MODEL, "fault": {"hang_after_chunks": 5}})
    with ExitStack() as readers:
        turn = began(chat, "/responses", TURN, readers)
        completion = began(chat, "/chat/completions", COMPLETION, readers)
        until_open(llm, 2)
        chat.merge_into(account)
        until_open(llm, 2)

        counts = account.erase(pseudonym)

        told = [list(events_of(stream.iter_lines())) for stream in (turn, completion)]
    assert llm.open_streams() == 0
    assert (counts["conversations"], counts["responses"]) == (1, 1)
    assert told[0][-1]["response"]["status"] == "cancelled"
    spent = chat.called(pseudonym).ledger()
    assert {call["call_id"] for call in spent} == {told[0][0]["response"]["id"], told[1][0]["id"]}
    assert chat.ledger() == account.ledger() == []


def test_streams_of_others_go_on(chat: Chat, llm: OfflineLLM) -> None:
    other = chat.somebody_else()
    llm.misbehave({"match": MODEL, "fault": {"tokens_per_second": 20}})
    with other.streaming("The words are one two three.") as events, ExitStack() as readers:
        began(chat, "/chat/completions", COMPLETION, readers)
        completion = began(other, "/chat/completions", COMPLETION, readers)
        until_open(llm, 3)

        chat.erase()

        assert list(events)[-1]["type"] == "response.completed"
        assert "[DONE]" in completion.read().decode()


def test_not_a_byte_of_what_was_said_is_left_on_disk(
    start: Callable[..., AbstractContextManager[Chat]], llm: OfflineLLM, neighbours: Neighbours
) -> None:
    canary = f"canary-{new_id('text')}"

    def files_with_it(chat: Chat) -> list[str]:
        return [file.name for file in chat.folder.iterdir() if canary.encode() in file.read_bytes()]

    with start() as chat, neighbours.memory.down():
        other = chat.somebody_else()
        chat.sdk().conversations.create(metadata={"topic": canary})
        for number in range(4):
            other.ask(f"Number {number}.")
            chat.ask(f"{canary} " * (30 * number + 1))
        chat.http().post("/responses", json={**TURN, "input": canary}, headers={"idempotency-key": canary})
        llm.misbehave({"match": MODEL, "fault": {"hang_after_chunks": 8}})
        with chat.streaming(f"{canary} is what I say.", instructions=canary) as events:
            while next(events)["type"] != "response.output_text.delta":
                pass
            before = files_with_it(chat)
            chat.erase()
            after = files_with_it(chat)
        llm.behave()
        other.ask("And now?")
        later = files_with_it(chat)

    assert before
    assert after == later == []


def test_what_neighbours_that_are_down_would_have_got_is_dropped_or_names_nobody(
    start: Callable[..., AbstractContextManager[Chat]], neighbours: Neighbours, pseudonym: str
) -> None:
    with start(memory_url=NOBODY, analytics_url=NOBODY) as chat:
        account, other = chat.somebody_else(), chat.somebody_else()
        guests = chat.ask("Said as a guest.")
        chat.merge_into(account)
        own = account.ask("Said with an account.")
        account.http().delete(f"/conversations/{own['conversation']['id']}")
        others = other.ask("Said by another.")
        account.erase(pseudonym)

    with start():
        neighbours.memory.owner = neighbours.analytics.owner = other.user_id
        assert neighbours.memory.until("turn.ended")[0]["turn_id"] == others["id"]
        assert neighbours.analytics.until("usage.recorded")[0]["call_id"] == others["id"]
    neighbours.analytics.owner = pseudonym
    assert [call["call_id"] for call in neighbours.analytics.data_of("usage.recorded")] == [guests["id"], own["id"]]
    got = [event["data"] for each in (neighbours.memory, neighbours.analytics) for event in each.events.values()]
    assert not [data for data in got if data["owner"] in (chat.user_id, account.user_id)]


def test_an_erasure_is_not_done_before_what_runs_is_settled(
    start: Callable[..., AbstractContextManager[Chat]], llm: OfflineLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "LAST_WRITES_SECONDS", 0.2)
    llm.misbehave({"match": MODEL, "fault": {"hang_after_chunks": 3}})
    erasing = {"pseudonym": "former_1"}
    with start() as chat, closing(apsw.Connection(str(chat.folder / "data.sqlite3"))) as database:
        database.set_busy_timeout(5000)
        chat.ask(TURN["input"], background=True)
        until_open(llm)
        database.execute("create trigger stuck before insert on ledger begin select raise(abort, 'no'); end")
        refused = chat.told(ERASE_PATH, {"owner": chat.user_id, **erasing})
        database.execute("drop trigger stuck")

        def erased() -> httpx.Response | None:
            answer = chat.told(ERASE_PATH, {"owner": chat.user_id, **erasing})
            return answer if answer.status_code == 200 else None

        again = eventually(erased)
        spent = chat.called("former_1").ledger()

    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert again.json()["counts"]["responses"] == 1
    assert len(spent) == 1
