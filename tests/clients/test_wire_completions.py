"""Chat Completions as bytes: each rule is something that breaks a client."""

import json
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .wire import Reply, Wire

PATH = "/v1/chat/completions"


def asking(question: str, **more: Any) -> dict[str, Any]:
    return {"model": "deepthinks", "messages": [{"role": "user", "content": question}], "stream": True, **more}


@pytest.fixture(scope="module")
def plain(wire: Wire) -> Reply:
    """A stream as any other, with its usage."""
    return wire.post(PATH, asking("My dog is called Rex.", stream_options={"include_usage": True}))


def test_a_stream_says_what_it_is_and_that_nobody_is_to_hold_it_back(plain: Reply) -> None:
    assert plain.status == 200
    assert plain.headers["content-type"].startswith("text/event-stream")
    assert plain.headers["cache-control"].startswith("no-")
    assert plain.headers["x-accel-buffering"] == "no"  # for whatever stands before the gateway
    assert plain.headers["x-request-id"]
    assert plain.headers["content-encoding"] is None


def test_a_block_is_one_line_of_data_and_never_an_id_a_retry_or_an_empty_one(plain: Reply) -> None:
    assert all(len(block) == 1 and block[0].startswith((b"data: {", b"data: [DONE]", b": ")) for block in plain.blocks)


def test_a_stream_ends_with_done_and_nothing_after_it(plain: Reply) -> None:
    assert plain.data.count(b"[DONE]") == 1
    assert plain.blocks[-1] == [b"data: [DONE]"]


def test_every_chunk_has_what_clients_check(plain: Reply) -> None:
    heads = {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in plain.documents}

    [(name, kind, _, model)] = heads
    assert (name.startswith("chatcmpl"), kind, model) == (True, "chat.completion.chunk", "deepthinks")
    assert all(isinstance(chunk["choices"], list) for chunk in plain.documents)
    assert {choice["index"] for chunk in plain.documents for choice in chunk["choices"]} == {0}
    assert all(set(choice) >= {"index", "delta", "finish_reason"} for c in plain.documents for choice in c["choices"])


def test_the_only_role_is_the_assistants_and_comes_first(plain: Reply) -> None:
    roles = [choice["delta"].get("role") for chunk in plain.documents for choice in chunk["choices"]]

    assert roles[0] == "assistant"
    assert set(roles[1:]) <= {"assistant", None}


def test_the_providers_eos_is_a_stop(plain: Reply, offline: OfflineLLM) -> None:
    reasons = [choice["finish_reason"] for chunk in plain.documents for choice in chunk["choices"]]

    assert reasons[-1] == "stop"
    assert set(reasons[:-1]) == {None}


def test_the_usage_stands_in_a_last_chunk_without_choices(plain: Reply) -> None:
    *chunks, last = plain.documents

    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)


def test_thoughts_have_both_names(wire: Wire) -> None:
    reply = wire.post(PATH, asking("Why is the lighthouse striped?", model="deepthinks-reason"))

    deltas = [choice["delta"] for chunk in reply.documents for choice in chunk["choices"]]
    assert [d.get("reasoning") for d in deltas] == [d.get("reasoning_content") for d in deltas]
    assert any(delta.get("reasoning") for delta in deltas)
    assert any(delta.get("content") for delta in deltas)


def test_each_piece_of_a_function_call_says_which_call_it_belongs_to(wire: Wire) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}

    reply = wire.post(PATH, asking("What is the weather in Lisbon?", tools=[tool]))

    choices = [choice for chunk in reply.documents for choice in chunk["choices"]]
    pieces = [piece for choice in choices for piece in choice["delta"].get("tool_calls") or []]
    assert {piece["index"] for piece in pieces} == {0}
    assert (pieces[0]["type"], pieces[0]["function"]["name"]) == ("function", "get_weather")
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)).keys() == {"city"}
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_headers_come_before_the_first_word_and_comments_while_it_is_awaited(wire: Wire, offline: OfflineLLM) -> None:
    offline.fail("Take your time", before_first_token_seconds=1.0)

    with wire.posted(PATH, asking("Take your time.")) as answer:
        begun = (answer.status, answer.read1(7))
        reply = Reply(answer.status, answer.headers, begun[1] + answer.read())

    assert begun == (200, b": ping\n")
    assert set(reply.comments) == {b": ping"}
    assert len(reply.comments) > 1
    assert reply.blocks[-1] == [b"data: [DONE]"]


def test_a_refusal_before_the_first_word_is_a_status_and_a_problem(wire: Wire, offline: OfflineLLM) -> None:
    offline.fail("Say nothing", status=402)

    reply = wire.post(PATH, asking("Say nothing."), Accept="text/event-stream")

    assert (reply.status, reply.headers["content-type"]) == (502, "application/problem+json")
    assert reply.json()["error"]["code"] == "model_credentials_rejected"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"cut_after_chunks": 4}, "model_answer_garbled"),
        ({"garbage_after_chunks": 4}, "model_answer_garbled"),
        ({"error_after_chunks": 4}, "model_unavailable"),
    ],
    ids=str,
)
def test_a_failure_after_the_200_is_an_error_in_the_stream(
    wire: Wire, offline: OfflineLLM, broken: dict[str, Any], code: str
) -> None:
    offline.fail("Tell me about the sea", **broken)

    reply = wire.post(PATH, asking("Tell me about the sea."))

    last = reply.documents[-1]
    assert reply.status == 200
    assert set(last) == {"error"}
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert last["error"]["code"] == code
    assert any(choice["delta"].get("content") for chunk in reply.documents[:-1] for choice in chunk["choices"])


def test_a_title_call_of_a_front_end_beside_a_stream_is_one_document(wire: Wire) -> None:
    body = asking("Title for: My dog is called Rex.", stream=False, max_tokens=20, temperature=0.1)

    reply = wire.post(PATH, body)

    document = reply.json()
    assert (reply.status, document["object"]) == (200, "chat.completion")
    assert document["choices"][0]["message"]["role"] == "assistant"
    assert document["choices"][0]["finish_reason"] in ("stop", "length")
    assert document["usage"]["completion_tokens"] <= 20
