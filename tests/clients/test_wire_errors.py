"""Refusals as bytes: two conventions in one document, and what makes clients try again or not."""

from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .wire import Reply, Wire

RESPONSES, COMPLETIONS = "/v1/responses", "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Good morning."}]
REFUSED: list[tuple[str, Any, int, str]] = [
    (RESPONSES, b"{", 400, "invalid_json"),
    (RESPONSES, {"model": "deepthinks", "input": "hi", "shoe_size": 43}, 400, "unknown_parameter"),
    (RESPONSES, {"model": "deepthinks", "input": "hi", "prompt": {"id": "p"}}, 400, "unsupported_parameter"),
    (RESPONSES, {"model": "no-such/model", "input": "hi"}, 404, "model_not_found"),
    (RESPONSES, {"model": "deepthinks", "input": 7}, 422, "invalid_request"),
    (COMPLETIONS, {"model": "deepthinks", "messages": HELLO, "n": 2}, 400, "unsupported_parameter"),
    (COMPLETIONS, {"model": "no-such/model", "messages": HELLO}, 404, "model_not_found"),
    (COMPLETIONS, {"model": "deepthinks", "messages": []}, 422, "invalid_request"),
    ("/v1/nothing", {}, 404, "not_found"),
]


def shape(reply: Reply) -> tuple[int, str, str]:
    """Status and codes, once it is sure that both conventions can read it."""
    document = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= set(document)
    assert set(document["error"]) == {"message", "type", "param", "code"}
    assert document["status"] == reply.status
    assert document["error"]["message"]
    assert reply.headers["x-request-id"] == document["request_id"]
    return reply.status, document["code"], document["error"]["code"]


@pytest.mark.parametrize(("path", "body", "status", "code"), REFUSED, ids=[row[3] for row in REFUSED])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_refusal_is_a_problem_with_an_error_whatever_was_accepted(
    wire: Wire, path: str, body: Any, status: int, code: str, accept: str
) -> None:
    assert shape(wire.post(path, body, Accept=accept)) == (status, code, code)


def test_a_wrong_key_is_one_too(wire: Wire) -> None:
    reply = Wire(wire.port, "sk-of-nobody").post(RESPONSES, {"model": "deepthinks", "input": "hi", "stream": True})

    assert shape(reply)[0] == 401


def test_a_method_that_is_not_there_is_one_too(wire: Wire) -> None:
    assert shape(wire.get(COMPLETIONS))[0] == 405


@pytest.mark.parametrize("path", [RESPONSES, COMPLETIONS])
def test_the_providers_limit_says_when_to_come_again(wire: Wire, offline: OfflineLLM, path: str) -> None:
    offline.fail("Good morning", status=429, retry_after=9)
    body = {"model": "deepthinks", ("messages" if path == COMPLETIONS else "input"): HELLO}

    reply = wire.post(path, body)

    assert shape(reply) == (429, "model_rate_limited", "model_rate_limited")
    assert reply.headers["retry-after"] == "9"
    assert reply.headers["x-should-retry"] != "false"


def test_a_busy_conversation_is_a_409_that_clients_may_try_again(wire: Wire, offline: OfflineLLM) -> None:
    offline.fail("Count the bells", content="bell " * 500, tokens_per_second=100)
    begun = wire.post(RESPONSES, {"model": "deepthinks", "input": "Count the bells.", "background": True}).json()

    reply = wire.post(
        RESPONSES, {"model": "deepthinks", "input": "Are you there?", "conversation": begun["conversation"]["id"]}
    )
    wire.post(f"{RESPONSES}/{begun['id']}/cancel", None)

    assert shape(reply)[:2] == (409, "conversation_busy")
    assert reply.headers["x-should-retry"] != "false"


def test_what_one_may_still_ask_stands_in_every_answer(wire: Wire) -> None:
    told = wire.post(RESPONSES, {"model": "deepthinks", "input": "My dog is called Rex."}).headers

    for kind in ("requests", "tokens"):
        limit, left = (int(told[f"x-ratelimit-{what}-{kind}"]) for what in ("limit", "remaining"))
        assert 0 < left <= limit
        assert told[f"x-ratelimit-reset-{kind}"].endswith("s")


def test_every_request_has_a_name_of_its_own(wire: Wire) -> None:
    names = {wire.get("/v1/models").headers["x-request-id"] for _ in range(3)}

    assert len(names) == 3
