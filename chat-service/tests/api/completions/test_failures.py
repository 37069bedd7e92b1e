"""When the model fails, or the client leaves: the right error at the right place, and the bill."""

import json
from typing import Any

import openai
import pytest

from chassis.testing import eventually
from chat_service.transcripts import IMAGE_TOKENS

HELLO: Any = [{"role": "user", "content": "Hello, tell me about the harbour."}]
BODY = {"model": "deepthinks", "messages": HELLO}
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


@pytest.fixture
def impatient(start: Any) -> Any:
    return start(model_first_chunk_seconds=0.5, model_between_chunks_seconds=0.3, model_retries=0)


@pytest.fixture
def pinging(start: Any) -> Any:
    return start(stream_keep_alive_seconds=0.1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 400}, 400, "model_refused"),
        ({"status": 401}, 502, "model_credentials_rejected"),
        ({"status": 429, "retry_after": 30}, 429, "model_rate_limited"),
        ({"status": 500}, 503, "model_unavailable"),
        ({"hang_before_headers": True}, 504, "model_timeout"),
        ({"hang_after_chunks": 0}, 504, "model_timeout"),
        ({"garbage_after_chunks": 0}, 502, "model_answer_garbled"),
        ({"content_type": "text/html"}, 502, "model_answer_garbled"),
        ({"cut_after_chunks": 0}, 502, "model_answer_garbled"),
        ({"error_after_chunks": 0}, 503, "model_unavailable"),
        ({"empty_answer": True}, 502, "model_answer_empty"),
    ],
)
def test_a_failure_before_the_first_word_is_a_status(
    impatient: Any, llm: Any, fault: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    llm.misbehave({"fault": fault})

    answer = impatient.http().post("/v1/chat/completions", json={**BODY, "stream": stream})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"]["code"] == code
    assert "on request" not in answer.text
    assert [record.outcome for record in impatient.recorded] == ["failed"]


def test_a_call_that_the_provider_refused_costs_nothing(impatient: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"status": 500}})

    impatient.http().post("/v1/chat/completions", json=BODY)

    (record,) = impatient.recorded
    assert (record.input_tokens, record.output_tokens, record.first_token_ms) == (0, 0, None)


def test_a_rate_limit_says_when_to_come_back(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"status": 429, "retry_after": 30}})

    answer = chat.http().post("/v1/chat/completions", json=BODY)

    assert answer.headers["retry-after"] == "30"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"cut_after_chunks": 2}, "model_answer_garbled"),
        ({"garbage_after_chunks": 2}, "model_answer_garbled"),
        ({"error_after_chunks": 2}, "model_unavailable"),
        ({"hang_after_chunks": 2}, "model_timeout"),
    ],
)
def test_a_failure_in_the_middle_is_the_streams_last_event(
    impatient: Any, llm: Any, fault: dict[str, Any], code: str
) -> None:
    llm.misbehave({"fault": {**fault, "tokens_per_second": 100}})

    answer = impatient.http().post("/v1/chat/completions", json={**BODY, "stream": True})

    *_, word, last = answer.text.removesuffix("\n\n").split("\n\n")
    assert answer.status_code == 200
    assert "content" in json.loads(word.removeprefix("data: "))["choices"][0]["delta"]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == code
    (record,) = impatient.recorded
    assert (record.outcome, record.source) == ("failed", "estimated")
    assert record.input_tokens > 0
    assert record.output_tokens > 0


def test_the_sdk_raises_when_a_stream_fails_in_the_middle(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"error_after_chunks": 2, "tokens_per_second": 100}})

    stream = chat.sdk().chat.completions.create(**BODY, stream=True)
    words = [next(stream), next(stream)]
    with pytest.raises(openai.APIError) as caught:
        next(stream)

    assert all(word.choices[0].delta.content for word in words)
    assert caught.value.code == "model_unavailable"


def test_an_empty_answer_is_billed_as_the_provider_counted_it(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"empty_answer": True}})

    chat.http().post("/v1/chat/completions", json=BODY)

    (record,) = chat.recorded
    assert (record.outcome, record.source) == ("failed", "provider")
    assert record.input_tokens > 0


def test_a_slow_first_word_is_waited_for_with_comments(pinging: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"before_first_token_seconds": 0.35}})

    answer = pinging.http().post("/v1/chat/completions", json={**BODY, "stream": True})

    events = answer.text.split("\n\n")
    assert events[:3] == [": ping"] * 3
    assert events[-2] == "data: [DONE]"
    assert "data:\n" not in answer.text


def test_a_failure_after_a_comment_is_an_event(pinging: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"status": 400, "before_headers_seconds": 0.25}})

    answer = pinging.http().post("/v1/chat/completions", json={**BODY, "stream": True})

    assert answer.status_code == 200
    assert answer.text.startswith(": ping\n\n: ping\n\ndata: ")
    assert json.loads(answer.text.split("data: ")[1])["error"]["code"] == "model_refused"


def test_a_client_that_leaves_a_stream_stops_the_model_and_pays(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"hang_after_chunks": 3}})

    with chat.http().stream("POST", "/v1/chat/completions", json={**BODY, "stream": True}) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert llm.open_streams() == 1

    eventually(lambda: llm.open_streams() == 0)
    eventually(lambda: len(chat.recorded) == 1)
    (record,) = chat.recorded
    assert (record.outcome, record.source) == ("cancelled", "estimated")
    assert record.input_tokens > 0
    assert record.output_tokens > 0


def test_a_client_that_leaves_pays_for_the_image_that_it_sent_along(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"hang_after_chunks": 3}})
    image = {"type": "image_url", "image_url": {"url": DOT}}
    asked = {"role": "user", "content": [{"type": "text", "text": "What is that?"}, image]}

    with chat.http().stream(
        "POST", "/v1/chat/completions", json={**BODY, "messages": [asked], "stream": True}
    ) as answer:
        next(answer.iter_lines())

    [record] = eventually(lambda: chat.recorded)
    assert record.source == "estimated"
    assert record.input_tokens > IMAGE_TOKENS


def test_a_client_that_leaves_while_it_waits_for_a_whole_answer_stops_the_model_and_pays(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"hang_after_chunks": 3}})

    with pytest.raises(openai.APITimeoutError):
        chat.sdk().with_options(timeout=0.3).chat.completions.create(**BODY)

    eventually(lambda: llm.open_streams() == 0)
    eventually(lambda: len(chat.recorded) == 1)
    assert chat.recorded[0].outcome == "cancelled"
