"""What a turn does when the model or a neighbour does not."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import apsw
import httpx
import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours

BODY = {"model": "deepthinks", "input": "The words are one two three four five six seven eight."}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 429}, 429, "model_rate_limited"),
        ({"status": 500}, 503, "model_unavailable"),
        ({"status": 401}, 502, "model_credentials_rejected"),
        ({"status": 400}, 400, "model_refused"),
        ({"content_type": "text/html"}, 502, "model_answer_garbled"),
        ({"empty_answer": True}, 502, "model_answer_empty"),
    ],
)
def test_a_model_that_fails_before_its_first_word_is_a_refusal(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours, fault: dict[str, Any], status: int, code: str
) -> None:
    llm.misbehave({"times": 1, "fault": fault})

    refused = chat.http().post("/responses", json=BODY)

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    conversation_id = refused.headers["x-conversation-id"]
    [turn] = neighbours.memory.until("turn.ended")
    assert (turn["status"], turn["assistant_text"]) == ("failed", "")
    failed = chat.http().get(f"/responses/{turn['turn_id']}").json()
    assert (failed["status"], failed["output"], failed["error"]["code"]) == ("failed", [], code)
    assert neighbours.analytics.until("usage.recorded")[0]["outcome"] == "failed"
    again = chat.http().post("/responses", json={**BODY, "conversation": conversation_id}).json()
    assert again["status"] == "completed"
    assert len(chat.http().get(f"/conversations/{conversation_id}/items").json()["data"]) == 2


def test_a_streamed_turn_tells_of_it_in_its_last_event(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"status": 503}})

    with chat.streaming("Hello") as events:
        told = list(events)

    assert [event["type"] for event in told] == ["response.created", "response.in_progress", "response.failed"]
    assert told[-1]["response"]["error"]["code"] == "model_unavailable"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"cut_after_chunks": 4}, "model_answer_garbled"),
        ({"garbage_after_chunks": 4}, "model_answer_garbled"),
        ({"hang_after_chunks": 4}, "model_timeout"),
        ({"error_after_chunks": 4}, "model_unavailable"),
    ],
)
def test_a_model_that_fails_in_the_middle_leaves_what_it_said(
    start: Any, llm: OfflineLLM, fault: dict[str, Any], code: str
) -> None:
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": fault})

    with start(model_between_chunks_seconds=0.3) as chat:
        with chat.streaming(BODY["input"]) as events:
            told = list(events)
        stored = chat.http().get(f"/responses/{told[0]['response']['id']}").json()

    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert told[-1]["type"] == "response.failed"
    assert told[-1]["response"]["error"]["code"] == code
    assert told[-1]["response"] == stored
    assert stored["output"][0]["status"] == "incomplete"
    assert stored["output"][0]["content"][0]["text"]


def test_a_model_that_hangs_ends_in_a_timeout(start: Any, llm: OfflineLLM) -> None:
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"hang_before_headers": True}})

    with start(model_first_chunk_seconds=0.2) as chat:
        refused = chat.http().post("/responses", json=BODY)

    assert (refused.status_code, refused.json()["code"]) == (504, "model_timeout")


def test_memory_may_be_down(chat: Chat, neighbours: Neighbours) -> None:
    first = chat.ask("My dog is called Balthasar.")

    with neighbours.memory.down():
        second = chat.ask("What is my dog called?", conversation=first["conversation"]["id"])

    assert "Balthasar" in second["output"][0]["content"][0]["text"]
    assert second["memory"] == {"used": False, "known_through": None, "reason": "unavailable"}
    turns = neighbours.memory.until("turn.ended", 2)
    assert [turn["turn_id"] for turn in turns] == [first["id"], second["id"]]


def test_memory_may_be_silent(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with start(memory_url=url, memory_seconds=0.3) as chat:
            response = chat.ask("Hello")

    assert response["memory"]["reason"] == "unavailable"


def test_analytics_may_be_down(chat: Chat, neighbours: Neighbours) -> None:
    with neighbours.analytics.down():
        response = chat.ask("Hello")

    [usage] = neighbours.analytics.until("usage.recorded")
    assert usage["response_id"] == response["id"]
    assert usage["input_tokens"] == response["usage"]["input_tokens"]


def test_nothing_is_stored_while_files_are_down(chat: Chat, neighbours: Neighbours, llm: OfflineLLM) -> None:
    file_id = neighbours.files.add("text")

    with neighbours.files.down():
        refused = ask_about(chat, file_id)

    assert (refused.status_code, refused.json()["code"]) == (503, "files_unavailable")
    assert chat.http().get("/conversations").json()["data"] == []
    assert llm.requests() == []


@pytest.mark.parametrize(
    ("state", "mine", "status", "code"),
    [("ready", False, 404, "file_not_found"), ("failed", True, 422, "file_failed")],
)
def test_a_file_that_cannot_be_used_is_refused_before_anything_is_stored(
    chat: Chat, neighbours: Neighbours, state: str, mine: bool, status: int, code: str
) -> None:
    file_id = neighbours.files.add("text", state=state, owner=None if mine else "user_x")

    refused = ask_about(chat, file_id)

    assert (refused.status_code, refused.json()["code"], refused.json()["error"]["param"]) == (status, code, "input")
    assert chat.http().get("/conversations").json()["data"] == []


def test_a_credential_that_may_not_read_files_cannot_name_one(chat: Chat, neighbours: Neighbours) -> None:
    refused = ask_about(chat, neighbours.files.add("text"), scope="chat:write chat:read")

    assert refused.status_code == 403


def test_a_turn_waits_for_a_file_that_is_still_being_read(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("The code is 4711.", state="processing")

    def finish() -> None:
        if len(neighbours.files.waits) == 3:
            neighbours.files.files[file_id]["state"] = "ready"

    neighbours.files.while_waiting = finish
    response = ask_about(chat, file_id).json()

    assert "4711" in response["output"][0]["content"][0]["text"]
    assert all(0 < wait <= 10 for wait in neighbours.files.waits)


def test_a_turn_waits_out_an_outage_of_files(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("The code is 4711.", state="processing")

    def fail_once() -> None:
        neighbours.files.is_down = True
        neighbours.files.files[file_id]["state"] = "ready"

    neighbours.files.while_waiting = fail_once
    body = {"model": "deepthinks", "input": asking_about(file_id), "background": True}
    response = chat.http().post("/responses", json=body).json()
    eventually(lambda: neighbours.files.is_down)
    neighbours.files.while_waiting = lambda: None
    neighbours.files.is_down = False

    assert "4711" in chat.until(response["id"], "completed")["output"][0]["content"][0]["text"]


def test_a_file_that_takes_too_long_fails_the_turn(start: Any, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("text", state="processing")

    with start(file_wait_seconds=0.2) as chat:
        refused = ask_about(chat, file_id)

    assert (refused.status_code, refused.json()["code"]) == (503, "file_not_ready")


def test_a_file_that_fails_meanwhile_fails_the_turn(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("text", state="processing")
    neighbours.files.while_waiting = lambda: neighbours.files.files[file_id].update(state="failed")

    refused = ask_about(chat, file_id)

    assert (refused.status_code, refused.json()["code"]) == (422, "file_failed")


def asking_about(file_id: str) -> list[dict[str, Any]]:
    content = [{"type": "input_text", "text": "What is the code?"}, {"type": "input_file", "file_id": file_id}]
    return [{"role": "user", "content": content}]


def ask_about(chat: Chat, file_id: str, **claims: Any) -> httpx.Response:
    return chat.http(**claims).post("/responses", json={"model": "deepthinks", "input": asking_about(file_id)})


@contextmanager
def no_turn_can_end(chat: Chat) -> Iterator[None]:
    """The storage refuses the last write of turns, and nothing else."""
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"))) as database:
        database.set_busy_timeout(5000)
        database.execute(
            "create trigger stuck before update of status on responses begin select raise(abort, 'no'); end"
        )
        yield
        database.execute("drop trigger stuck")


def test_a_turn_whose_end_the_storage_refused_for_a_while_ends_all_the_same(start: Any, llm: OfflineLLM) -> None:
    with start() as chat:
        llm.misbehave({"fault": {"before_first_token_seconds": 0.2}})
        with no_turn_can_end(chat):
            response = chat.ask("Hello", background=True)
            time.sleep(1.0)
            meanwhile = chat.http().get(f"/responses/{response['id']}").json()
        ended = chat.until(response["id"], "completed")
        after = chat.ask("And now?", conversation=response["conversation"]["id"])

    assert meanwhile["status"] == "in_progress"
    assert ended["output"]
    assert after["status"] == "completed"


def test_a_turn_whose_end_the_storage_refuses_does_not_hold_up_the_shutdown(start: Any, llm: OfflineLLM) -> None:
    with ExitStack() as stack:
        with start() as chat:
            stack.enter_context(no_turn_can_end(chat))
            response = chat.ask("Hello", background=True)
            time.sleep(0.2)
            before = time.monotonic()
        stopped_within = time.monotonic() - before

    with start() as chat:
        ended = chat.until(response["id"])

    assert stopped_within < 8
    assert ended["status"] in ("completed", "incomplete")


def test_a_turn_does_not_go_on_without_a_file_that_files_keeps_back(start: Any, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("The code is 4711.")
    neighbours.files.keeps_back = True
    content = [{"type": "input_text", "text": "What is the code?"}, {"type": "input_file", "file_id": file_id}]
    body = {"model": "deepthinks", "input": [{"role": "user", "content": content}]}

    with start(file_wait_seconds=0.2) as chat:
        refused = chat.http().post("/responses", json=body)

    assert (refused.status_code, refused.json()["code"]) == (503, "files_unavailable")
