"""Responses as bytes: each rule is something that breaks a client."""

import json
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .wire import Reply, Wire

PATH = "/v1/responses"
AT_LEAST = "id object created_at model output parallel_tool_calls tool_choice tools status usage".split()
ORDER = """
response.created response.in_progress response.output_item.added response.content_part.added
response.output_text.delta response.output_text.done response.content_part.done response.output_item.done
response.completed
""".split()


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "deepthinks", "input": text, "stream": True, **more}


@pytest.fixture(scope="module")
def plain(wire: Wire) -> Reply:
    """A stream as any other."""
    return wire.post(PATH, asking("My dog is called Rex."))


def test_a_stream_says_what_it_is_and_where_it_belongs(plain: Reply) -> None:
    assert plain.status == 200
    assert plain.headers["content-type"].startswith("text/event-stream")
    assert plain.headers["cache-control"].startswith("no-")
    assert plain.headers["x-request-id"]
    assert plain.headers["x-conversation-id"] == plain.documents[0]["response"]["conversation"]["id"]


def test_a_block_is_a_name_and_its_data_and_never_an_id_or_a_retry(plain: Reply) -> None:
    events = [block for block in plain.blocks if not block[0].startswith(b":")]

    for name, data in events:
        assert name == b"event: " + json.loads(data.removeprefix(b"data: "))["type"].encode()
        assert data.startswith(b"data: {")


def test_numbers_have_no_gap_and_events_come_in_the_order_that_clients_insist_on(plain: Reply) -> None:
    events = plain.documents

    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert list(dict.fromkeys(event["type"] for event in events)) == ORDER
    assert [event["type"] for event in events if event["type"].endswith("delta")] == ORDER[4:5] * (len(events) - 8)


def test_deltas_add_up_to_every_later_form_of_the_text(plain: Reply) -> None:
    events = {event["type"]: event for event in plain.documents}
    text = "".join(event["delta"] for event in plain.documents if event["type"].endswith("delta"))

    assert text == events["response.output_text.done"]["text"]
    assert text == events["response.content_part.done"]["part"]["text"]
    assert text == events["response.output_item.done"]["item"]["content"][0]["text"]
    assert text == events["response.completed"]["response"]["output"][0]["content"][0]["text"]
    assert len({event["item_id"] for event in plain.documents if "item_id" in event}) == 1


def test_a_response_has_what_clients_check_at_both_ends(plain: Reply) -> None:
    begun, ended = plain.documents[0]["response"], plain.documents[-1]["response"]

    assert set(AT_LEAST) <= set(begun)
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert set(begun) == set(ended)
    assert ended["usage"]["total_tokens"] == ended["usage"]["input_tokens"] + ended["usage"]["output_tokens"]


def test_a_resumed_stream_is_the_rest_byte_for_byte(plain: Reply, wire: Wire) -> None:
    response = plain.documents[0]["response"]["id"]
    whole = [b"\n".join(block) for block in plain.blocks if not block[0].startswith(b":")]

    resumed = wire.get(f"{PATH}/{response}?stream=true&starting_after=3")

    assert [b"\n".join(block) for block in resumed.blocks] == whole[4:]


def test_headers_and_the_first_events_come_before_the_first_word(wire: Wire, offline: OfflineLLM) -> None:
    offline.fail("Take your time", before_first_token_seconds=1.0)

    with wire.posted(PATH, asking("Take your time.")) as answer:
        name = answer.readline()
        reply = Reply(answer.status, answer.headers, name + answer.read())

    kinds = [block[0] for block in reply.blocks]
    assert name == b"event: response.created\n"
    assert kinds[:3] == [b"event: response.created", b"event: response.in_progress", b": ping"]
    assert set(reply.comments) == {b": ping"}
    assert kinds[-1] == b"event: response.completed"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"status": 500}, "model_unavailable"),
        ({"status": 401}, "model_credentials_rejected"),
        ({"cut_after_chunks": 4}, "model_answer_garbled"),
    ],
    ids=str,
)
def test_a_failure_is_the_last_event(wire: Wire, offline: OfflineLLM, broken: dict[str, Any], code: str) -> None:
    offline.fail("Tell me about the sea", **broken)

    reply = wire.post(PATH, asking("Tell me about the sea."))

    last = reply.documents[-1]
    assert (reply.status, last["type"], last["response"]["status"]) == (200, "response.failed", "failed")
    assert last["response"]["error"]["code"] == code
    assert last["response"]["error"]["message"]
    assert [event["sequence_number"] for event in reply.documents] == list(range(len(reply.documents)))


def test_a_stop_is_an_incomplete_response_that_was_cancelled(wire: Wire, offline: OfflineLLM) -> None:
    offline.fail("Count the waves", content="wave " * 500, tokens_per_second=100)

    with wire.posted(PATH, asking("Count the waves.")) as answer:
        head = b"".join(answer.readline() for _ in range(12))
        begun = Reply(200, answer.headers, head[: head.index(b"\n\n") + 2])
        wire.post(f"{PATH}/{begun.documents[0]['response']['id']}/cancel", None)
        last = Reply(200, answer.headers, head + answer.read()).documents[-1]

    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "cancelled")
