"""An SDK that did not get its answer tries again without a key, and joins the turn it began. All else is a new turn."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_open

TURN = {"model": "deepthinks", "input": "My dog is called Rex."}
STREAMED = {**TURN, "stream": True}
RETRY = {"x-stainless-retry-count": "1"}
SLOW = {"fault": {"before_first_token_seconds": 0.4}}


def post(chat: Chat, body: dict[str, Any] | None = None, *, retry: bool = False, **claims: Any) -> Any:
    return chat.http(**claims).post("/responses", json=body or TURN, headers=RETRY if retry else {})


def lose(chat: Chat, llm: OfflineLLM, body: dict[str, Any] | None = None, **claims: Any) -> None:
    """Asks, and goes away before the answer is there."""
    llm.misbehave({**SLOW, "times": 1})
    calls = len(llm.requests())
    with pytest.raises(httpx.ReadTimeout):
        with chat.http(**claims).stream("POST", "/responses", json=body or TURN, timeout=0.2) as answer:
            answer.read()
    eventually(lambda: len(llm.requests()) == calls + 1)


def turns_of(chat: Chat) -> int:
    return len(chat.http().get("/conversations").json()["data"])


@pytest.mark.parametrize("body", [TURN, STREAMED], ids=["whole", "streamed"])
def test_a_retry_of_what_did_not_arrive_gets_the_first_turns_answer(
    chat: Chat, llm: OfflineLLM, body: dict[str, Any]
) -> None:
    lose(chat, llm, body)

    retried = post(chat, body, retry=True)

    assert retried.status_code == 200
    assert turns_of(chat) == len(llm.requests()) == 1


def test_a_retry_after_the_turn_has_ended_gets_its_answer_too(chat: Chat, llm: OfflineLLM) -> None:
    lose(chat, llm)
    [conversation] = chat.http().get("/conversations").json()["data"]
    items = f"/conversations/{conversation['id']}/items"
    eventually(lambda: len(chat.http().get(items).json()["data"]) == 2)

    retried = post(chat, retry=True).json()

    assert retried["conversation"]["id"] == conversation["id"]
    assert len(llm.requests()) == 1


def test_the_sdk_itself_makes_one_turn_when_it_tries_again(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({**SLOW, "times": 1})

    response = chat.sdk().with_options(max_retries=3, timeout=0.25).responses.create(**TURN)  # type: ignore[call-overload]

    assert response.status == "completed"
    assert turns_of(chat) == len(llm.requests()) == 1


@pytest.mark.parametrize("body", [TURN, STREAMED, {**TURN, "background": True}], ids=["whole", "streamed", "begun"])
def test_what_was_delivered_is_answered_anew(chat: Chat, llm: OfflineLLM, body: dict[str, Any]) -> None:
    post(chat, body)

    eventually(lambda: post(chat, body, retry=True).is_success and turns_of(chat) == 2)

    assert len(llm.requests()) == 2


def test_the_same_request_that_is_no_retry_is_a_second_one(chat: Chat, llm: OfflineLLM) -> None:
    lose(chat, llm)

    post(chat)

    assert turns_of(chat) == 2


@pytest.mark.parametrize("other", [{"sid": "sess_other"}, {"key": "key_1"}], ids=["another session", "an API key"])
def test_another_credential_sends_no_retry(chat: Chat, llm: OfflineLLM, other: dict[str, str]) -> None:
    lose(chat, llm)

    post(chat, retry=True, **other)

    assert turns_of(chat) == 2


def test_another_user_sends_no_retry(chat: Chat, llm: OfflineLLM) -> None:
    lose(chat, llm)

    answer = post(chat.somebody_else(), retry=True, sid=f"sess_of_{chat.user_id}")

    assert answer.status_code == 200
    assert len(llm.requests()) == 2


def test_another_body_is_no_retry(chat: Chat, llm: OfflineLLM) -> None:
    lose(chat, llm)

    post(chat, {**TURN, "temperature": 0.5}, retry=True)

    assert turns_of(chat) == 2


def test_a_retry_goes_on_in_the_conversation_although_the_first_attempt_still_runs(chat: Chat, llm: OfflineLLM) -> None:
    conversation = chat.http().post("/conversations").json()["id"]
    lose(chat, llm, {**TURN, "conversation": conversation})

    retried = post(chat, {**TURN, "conversation": conversation}, retry=True)

    assert retried.status_code == 200
    assert len(llm.requests()) == 1


def test_a_turn_that_failed_without_a_word_is_tried_again_in_its_place(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("Hello")
    llm.misbehave({"times": 1, "fault": {"status": 503}})

    response = (
        chat.sdk()
        .with_options(max_retries=1)
        .responses.create(
            **TURN,
            conversation=first["conversation"]["id"],  # type: ignore[call-overload]
        )
    )

    assert response.status == "completed"
    items = chat.http().get(f"/conversations/{first['conversation']['id']}/items", params={"order": "asc"}).json()
    assert [item["role"] for item in items["data"]] == ["user", "assistant"] * 2
    assert len(llm.requests()) == 3


def test_of_equal_requests_a_retry_takes_the_one_that_nobody_listens_to(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_after_chunks": 2}})
    with listening(chat) as first, listening(chat) as third:
        with listening(chat) as second:
            pass
        until_open(llm, 3)
        seen = eventually(lambda: retried_stream(chat) == second and second)
        for response_id in (first, second, third):  # else their calls stay open, and other tests count them
            chat.http().post(f"/responses/{response_id}/cancel").raise_for_status()

    assert seen not in (first, third)


@contextmanager
def listening(chat: Chat, **headers: str) -> Iterator[str]:
    """The id of the streamed turn that is being listened to."""
    with chat.http().stream("POST", "/responses", json=STREAMED, headers=headers) as answer:
        lines = answer.iter_lines()  # closes the connection when it is dropped
        first = next(line for line in lines if line.startswith("data: "))
        yield str(json.loads(first.removeprefix("data: "))["response"]["id"])


def retried_stream(chat: Chat) -> str:
    with listening(chat, **RETRY) as response_id:
        return response_id


def test_a_retry_does_not_count(start: Any, llm: OfflineLLM) -> None:
    with start(turns_per_minute=1, user_running=1) as chat:
        lose(chat, llm, role="guest")

        retried = post(chat, retry=True, role="guest")

    assert retried.status_code == 200
    assert retried.headers["x-guest-turns-remaining"] == "1"


def test_a_retry_of_a_turn_that_was_deleted_meanwhile_makes_no_second_one(chat: Chat, llm: OfflineLLM) -> None:
    lose(chat, llm, {**TURN, "metadata": {"a": "b"}})
    [conversation] = chat.http().get("/conversations").json()["data"]
    [node] = chat.http().get(f"/conversations/{conversation['id']}/responses").json()["data"]
    chat.http().delete(f"/responses/{node['id']}").raise_for_status()

    retried = post(chat, {**TURN, "metadata": {"a": "b"}}, retry=True)

    assert (retried.status_code, retried.json()["code"]) == (404, "response_not_found")
    assert len(llm.requests()) == 1


@pytest.mark.parametrize("count", ["0", "", "-1", "one", "9" * 5000, "\xb2"])
def test_an_odd_count_breaks_nothing(chat: Chat, count: str) -> None:
    answer = chat.http().post("/responses", json=TURN, headers={b"x-stainless-retry-count": count.encode("latin-1")})

    assert answer.status_code == 200
