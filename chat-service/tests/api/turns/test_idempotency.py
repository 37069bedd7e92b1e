"""A retried POST makes no second turn."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

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
