"""A retried POST makes no second turn."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours

BODY = {"model": "deepthinks", "input": "My dog is called Rex."}


def post(chat: Chat, key: str, **fields: Any) -> Any:
    return chat.http().post("/responses", json={**BODY, **fields}, headers={"idempotency-key": key})


def test_a_repeated_key_gives_the_same_response(chat: Chat, llm: OfflineLLM, neighbours: Neighbours) -> None:
    first = post(chat, "key-1")
    second = post(chat, "key-1")

    assert second.status_code == 200
    assert second.json() == first.json()
    assert len(llm.requests()) == 1
    assert len(chat.http().get("/conversations").json()["data"]) == 1
    neighbours.analytics.until("usage.recorded")
    assert len(neighbours.analytics.data_of("usage.recorded")) == 1


def test_a_repeated_key_streams_the_same_bytes(chat: Chat, llm: OfflineLLM) -> None:
    assert post(chat, "key-1", stream=True).text == post(chat, "key-1", stream=True).text

    assert len(llm.requests()) == 1


def test_retries_that_arrive_together_join_one_turn(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"before_first_token_seconds": 0.3}})

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: post(chat, "key-1", stream=True), range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(llm.requests()) == 1


def test_a_key_with_another_body_is_refused(chat: Chat, llm: OfflineLLM) -> None:
    post(chat, "key-1")

    other = post(chat, "key-1", input="My dog is called Bello.")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(llm.requests()) == 1


@pytest.mark.parametrize(
    "ignored",
    [
        '"max_tool_calls": 99999999999999999999',
        '"prompt_cache_options": ' + '{"a":' * 400 + "1" + "}" * 400,
        r'"prompt_cache_options": {"half": "\ud800"}',
    ],
    ids=["a number beyond 64 bits", "something deep", "half a character"],
)
def test_a_key_may_come_with_what_is_ignored(chat: Chat, llm: OfflineLLM, ignored: str) -> None:
    body = '{"model": "deepthinks", "input": "My dog is called Rex.", ' + ignored + "}"
    headers = {"idempotency-key": "key-1", "content-type": "application/json"}

    answers = [chat.http().post("/responses", content=body, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len(llm.requests()) == 1


def test_a_key_belongs_to_its_user(chat: Chat, llm: OfflineLLM) -> None:
    mine = post(chat, "key-1").json()
    theirs = post(chat.somebody_else(), "key-1").json()

    assert mine["id"] != theirs["id"]
    assert len(llm.requests()) == 2


def test_a_repeat_of_a_failed_request_fails_alike(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"status": 429, "retry_after": 7}})

    answers = [post(chat, "key-1"), post(chat, "key-1")]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert [answer.json()["code"] for answer in answers] == ["model_rate_limited"] * 2
    assert answers[1].headers["retry-after"] == answers[0].headers["retry-after"]


def test_a_repeat_is_answered_although_files_are_down_by_now(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("The code is 4711.")
    content = [{"type": "input_text", "text": "What is the code?"}, {"type": "input_file", "file_id": file_id}]
    fields = {"input": [{"role": "user", "content": content}]}
    first = post(chat, "key-1", **fields)

    with neighbours.files.down():
        second = post(chat, "key-1", **fields)

    assert second.json() == first.json()


@pytest.mark.parametrize("odd", [r'"\ud800"', "1" * 100, '{"a":' * 300 + "1" + "}" * 300], ids=range(3))
def test_what_a_request_holds_beside_its_point_does_not_break_its_key(chat: Chat, odd: str) -> None:
    body = f'{{"model": "deepthinks", "input": "Hello", "prompt_cache_options": {{"x": {odd}}}}}'
    headers = {"content-type": "application/json", "idempotency-key": "key-1"}

    first, second = (chat.http().post("/responses", content=body, headers=headers) for _ in range(2))

    assert (first.status_code, second.json()) == (200, first.json())


@pytest.mark.parametrize("what", ["turn", "conversation"])
def test_a_key_makes_nothing_anew_after_its_turn_was_deleted(chat: Chat, llm: OfflineLLM, what: str) -> None:
    first = post(chat, "key-1").json()
    deleted = f"/responses/{first['id']}" if what == "turn" else f"/conversations/{first['conversation']['id']}"
    chat.http().delete(deleted).raise_for_status()

    second = post(chat, "key-1")

    assert (second.status_code, second.json()["code"]) == (404, "response_not_found")
    assert len(llm.requests()) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_turn_that_is_not_kept_is_answered_and_charged_once(chat: Chat, llm: OfflineLLM, stream: bool) -> None:
    first = post(chat, "key-1", store=False, stream=stream)

    second = post(chat, "key-1", store=False, stream=stream)

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "idempotent_answer_not_kept")
    assert second.headers["x-should-retry"] == "false"
    assert len(chat.ledger()) == 1


def test_the_key_of_a_turn_that_is_not_kept_is_free_again_when_it_failed(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"status": 503}})
    failed = post(chat, "key-1", store=False)

    again = post(chat, "key-1", store=False)

    assert (failed.status_code, again.status_code) == (503, 200)


def test_a_turn_that_is_not_kept_is_joined_while_it_runs(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"before_first_token_seconds": 0.3}})

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: post(chat, "key-1", store=False), range(3)))

    assert len({answer.text for answer in answers if answer.status_code == 200}) == 1
    assert len(llm.requests()) == 1


def test_a_stream_that_is_not_kept_any_more_is_refused_instead_of_made_anew(start: Any, llm: OfflineLLM) -> None:
    with start(events_kept_seconds=0.1, upkeep_seconds=0.05) as chat:
        first = post(chat, "key-1", stream=True)

        expired = eventually(lambda: (answer := post(chat, "key-1", stream=True)).status_code != 200 and answer)
        found = chat.http().get("/conversations").json()["data"]

    assert first.status_code == 200
    assert (expired.status_code, expired.json()["code"]) == (410, "events_expired")
    assert len(found) == 1


def open_conversation(chat: Chat, key: str, **body: Any) -> Any:
    return chat.http().post("/conversations", json=body, headers={"idempotency-key": key})


def test_a_repeated_key_gives_the_same_conversation(chat: Chat) -> None:
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: open_conversation(chat, "key-1", metadata={"a": "b"}), range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(chat.http().get("/conversations").json()["data"]) == 1


def test_a_key_of_a_conversation_belongs_to_its_user_and_its_request(chat: Chat) -> None:
    mine = open_conversation(chat, "key-1").json()
    theirs = open_conversation(chat.somebody_else(), "key-1").json()

    refused = [open_conversation(chat, "key-1", metadata={"a": "b"}), post(chat, "key-1")]

    assert mine["id"] != theirs["id"]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "idempotency_key_reused")] * 2


def test_a_key_makes_no_conversation_anew_after_it_was_deleted(chat: Chat) -> None:
    first = open_conversation(chat, "key-1").json()
    chat.http().delete(f"/conversations/{first['id']}").raise_for_status()

    second = open_conversation(chat, "key-1")

    assert (second.status_code, second.json()["code"]) == (404, "conversation_not_found")
    assert chat.http().get("/conversations").json()["data"] == []
