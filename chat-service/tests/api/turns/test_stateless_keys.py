"""Answers that are kept nowhere are not given again: a repeat is refused, or answered if the first came to nothing."""

from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed

COMPLETION = {"model": "deepthinks", "messages": [{"role": "user", "content": "My dog is called Rex."}]}
EMBEDDING = {"model": "BAAI/bge-base-en-v1.5", "input": "My dog is called Rex."}
WAYS = [
    pytest.param("/chat/completions", COMPLETION, id="completion"),
    pytest.param("/chat/completions", {**COMPLETION, "stream": True}, id="streamed completion"),
    pytest.param("/embeddings", EMBEDDING, id="embedding"),
]


def post(chat: Chat, path: str, body: dict[str, Any], key: str = "key-1") -> Any:
    return chat.http().post(path, json=body, headers={"idempotency-key": key})


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_a_repeat_of_what_was_answered_is_refused_for_good(chat: Chat, path: str, body: dict[str, Any]) -> None:
    first = post(chat, path, body)

    second = post(chat, path, body)

    assert first.status_code == 200, first.text
    assert (second.status_code, second.json()["code"]) == (409, "idempotent_answer_not_kept")
    assert second.headers["x-should-retry"] == "false"
    assert len(chat.ledger()) == 1


def test_a_repeat_of_what_is_being_answered_is_refused_for_now(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_after_chunks": 2}})
    streamed = {**COMPLETION, "stream": True}
    with chat.http().stream(
        "POST", "/chat/completions", json=streamed, headers={"idempotency-key": "key-1"}
    ) as running:
        lines = running.iter_lines()
        next(lines)

        second = post(chat, "/chat/completions", streamed)

    assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
    assert second.headers["retry-after"] == "1"
    assert len(llm.requests()) == 1


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_a_key_is_free_again_when_its_request_failed(
    chat: Chat, llm: OfflineLLM, path: str, body: dict[str, Any]
) -> None:
    llm.misbehave({"times": 1, "fault": {"status": 503}})
    failed = post(chat, path, body)

    again = post(chat, path, body)

    assert (failed.status_code, again.status_code) == (503, 200)


def test_a_key_is_free_again_when_its_client_left(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"hang_after_chunks": 2}})
    streamed = {**COMPLETION, "stream": True}
    headers = {"idempotency-key": "key-1"}
    with chat.http().stream("POST", "/chat/completions", json=streamed, headers=headers) as left:
        next(left.iter_lines())
    until_closed(llm)

    again = eventually(lambda: (answer := post(chat, "/chat/completions", streamed)).status_code != 409 and answer)

    assert again.status_code == 200


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_a_key_with_another_body_is_refused(chat: Chat, path: str, body: dict[str, Any]) -> None:
    post(chat, path, body)

    other = post(chat, path, {**body, "user": "somebody"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
