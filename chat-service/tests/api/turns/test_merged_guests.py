"""A guest becomes part of an account: everything there is becomes the account's, and so does what is still running."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chassis.identity import Principal
from chat_service.main import create_app
from chat_service.schemas.responses import CreateResponse
from chat_service.settings import Settings
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_open
from .neighbours import Neighbours

BODY = {"model": "deepthinks", "input": "The words are one two three four five six seven eight."}
SLOW = {"match": {"path": "/v1/chat/completions"}, "fault": {"tokens_per_second": 30}}


def test_an_account_gets_all_that_its_guest_has(chat: Chat) -> None:
    account = chat.somebody_else()
    own = account.ask("Mine from the start.")
    said = chat.ask("My dog is called Balthasar.")
    chat.sdk().conversations.create()
    keyed = chat.http().post("/responses", json=BODY, headers={"idempotency-key": "k"}).json()
    listed = chat.http().get("/conversations").json()["data"]

    counts = chat.merge_into(account)

    made = {"conversations": 3, "responses": 2, "idempotency_keys": 1, "ledger_rows": 2}
    assert {kind: count for kind, count in counts.items() if count} == made
    with account.http() as http:
        assert http.get(f"/responses/{said['id']}").json() == said
        conversations = http.get("/conversations").json()["data"]
        assert {each["id"] for each in listed} < {each["id"] for each in conversations}
        assert own["conversation"]["id"] in {each["id"] for each in conversations}
        assert http.post("/responses", json=BODY, headers={"idempotency-key": "k"}).json() == keyed
    after = account.ask("What is my dog called?", conversation=said["conversation"]["id"])
    assert "Balthasar" in after["output"][0]["content"][0]["text"]
    assert [call["call_id"] for call in account.ledger()] == [each["id"] for each in (own, said, keyed, after)]


def test_a_guest_that_was_merged_finds_nothing_any_more(chat: Chat) -> None:
    said = chat.ask("A secret.")

    chat.merge_into(chat.somebody_else())

    with chat.http() as http:
        assert http.get("/conversations").json()["data"] == []
        assert http.get(f"/conversations/{said['conversation']['id']}").status_code == 404
        assert http.get(f"/conversations/{said['conversation']['id']}/items").status_code == 404
        assert http.get(f"/responses/{said['id']}").status_code == 404
        assert http.get(f"/responses/{said['id']}", params={"stream": True}).status_code == 404
    assert chat.ledger() == []


def test_a_merge_that_is_repeated_counts_the_same_and_changes_nothing(chat: Chat) -> None:
    account = chat.somebody_else()
    chat.ask("Hello")
    first = chat.merge_into(account)
    account.ask("And now?")

    again = chat.merge_into(account)

    assert again == first
    assert {kind: count for kind, count in first.items() if count} == {
        "conversations": 1,
        "responses": 1,
        "ledger_rows": 1,
    }
    assert len(account.http().get("/conversations").json()["data"]) == 2


def test_an_account_keeps_its_own_idempotency_key_where_the_guest_has_the_same(chat: Chat) -> None:
    account = chat.somebody_else()
    same = {"idempotency-key": "same"}
    mine = account.http().post("/responses", json=BODY, headers=same).json()
    theirs = chat.http().post("/responses", json=BODY, headers=same).json()

    counts = chat.merge_into(account)

    assert counts["idempotency_keys"] == 0
    assert account.http().post("/responses", json=BODY, headers=same).json() == mine
    assert account.http().get(f"/responses/{theirs['id']}").json() == theirs


def test_a_stream_goes_on_byte_for_byte_and_is_put_to_the_account(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    account = chat.somebody_else()
    llm.misbehave(SLOW)
    with chat.http().stream("POST", "/responses", json={**BODY, "stream": True}) as answer:
        received = answer.iter_raw()
        read = [next(received)]
        while b"output_text.delta" not in read[-1]:
            read.append(next(received))
        response_id = json.loads(read[0].split(b"data: ")[1].split(b"\n")[0])["response"]["id"]

        counts = chat.merge_into(account)

        with account.http().stream("GET", f"/responses/{response_id}", params={"stream": True}) as resumed:
            read += received
            followed = b"".join(resumed.iter_raw())

    kept = account.http().get(f"/responses/{response_id}", params={"stream": True}).content
    assert counts["responses"] == 1
    assert counts["ledger_rows"] == 0
    assert b"".join(read) == followed == kept
    assert account.until(response_id)["status"] == "completed"
    assert [call["call_id"] for call in account.ledger()] == [response_id]
    assert chat.ledger() == []
    neighbours.analytics.owner = neighbours.memory.owner = account.user_id
    assert neighbours.analytics.until("usage.recorded")[0]["call_id"] == response_id
    assert neighbours.memory.until("turn.ended")[0]["turn_id"] == response_id


def test_an_account_stops_what_its_guest_began(chat: Chat, llm: OfflineLLM) -> None:
    account = chat.somebody_else()
    llm.misbehave({"match": SLOW["match"], "fault": {"hang_after_chunks": 3}})
    running = chat.ask("Hello", background=True)
    until_open(llm)
    chat.merge_into(account)

    stopped = account.http().post(f"/responses/{running['id']}/cancel")

    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("path", ["/responses", "/chat/completions"])
def test_a_guest_that_waits_gets_the_answer_after_the_merge_all_the_same(
    chat: Chat, llm: OfflineLLM, path: str
) -> None:
    account = chat.somebody_else()
    llm.misbehave({"match": SLOW["match"], "fault": {"before_first_token_seconds": 0.5}})
    asked = {
        "/responses": BODY,
        "/chat/completions": {"model": "deepthinks", "messages": [{"role": "user", "content": "Hi"}]},
    }
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(chat.http().post, path, json=asked[path])
        until_open(llm)

        chat.merge_into(account)

        answer = waiting.result()
    assert answer.status_code == 200
    assert [call["call_id"] for call in account.ledger()] == [answer.json()["id"]]
    assert chat.ledger() == []


async def test_a_turn_that_ended_before_the_merge_is_still_found_for_the_request_that_asked_for_it(
    environment: dict[str, Any], llm: OfflineLLM, tmp_path: Path
) -> None:
    app = create_app(Settings(**environment, service_data=tmp_path))
    guest = Principal("user_guest", "sess_1", "guest", frozenset(), None, 0, "")
    async with app.router.lifespan_context(app):
        turn = await app.state.turns.accept(guest, CreateResponse.model_validate(BODY), None)
        ended = await app.state.turns.finished(turn)
        await app.state.estates.merge("user_guest", "user_account")

        assert await app.state.turns.finished(turn) == await app.state.turns.begun(turn) == ended


def test_a_turn_that_has_not_reached_the_model_keeps_its_history(
    chat: Chat, neighbours: Neighbours, llm: OfflineLLM
) -> None:
    account = chat.somebody_else()
    first = chat.ask("My dog is called Balthasar.")
    file_id = neighbours.files.add("Nothing of interest.", state="processing")

    def merge() -> None:
        neighbours.files.files[file_id]["state"] = "ready"
        chat.merge_into(account)

    neighbours.files.while_waiting = merge
    content = [{"type": "input_text", "text": "What is my dog called?"}, {"type": "input_file", "file_id": file_id}]
    second = chat.ask([{"role": "user", "content": content}], conversation=first["conversation"]["id"])

    assert "Balthasar" in second["output"][0]["content"][0]["text"]


def test_what_was_recorded_before_the_merge_reaches_the_neighbours_under_the_old_name(
    chat: Chat, neighbours: Neighbours
) -> None:
    with neighbours.memory.down(), neighbours.analytics.down():
        said = chat.ask("Hello")
        chat.merge_into(chat.somebody_else())

    assert neighbours.memory.until("turn.ended")[0]["turn_id"] == said["id"]
    assert neighbours.analytics.until("usage.recorded")[0]["call_id"] == said["id"]
