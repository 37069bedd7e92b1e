"""Generation belongs to the server: clients leave, come back, join and stop."""

from typing import Any

import httpx
import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, events_of, until_closed
from .neighbours import Neighbours

STORY = "The words are " + " ".join(f"word{number}" for number in range(25)) + "."


@pytest.fixture
def paced(llm: OfflineLLM) -> OfflineLLM:
    """A model that takes about a second for the story."""
    llm.misbehave({"fault": {"tokens_per_second": 100}})
    return llm


def first_words(events: Any) -> dict[str, Any]:
    """Reads until the model says something; returns the response as it was created."""
    response = next(events)["response"]
    while next(events)["type"] != "response.output_text.delta":
        pass
    return dict(response)


def test_a_client_that_leaves_changes_nothing(chat: Chat, paced: OfflineLLM, neighbours: Neighbours) -> None:
    with chat.streaming(STORY) as events:
        response = first_words(events)

    ended = chat.until(response["id"], "completed")

    assert "word24" in ended["output"][0]["content"][0]["text"]
    assert neighbours.memory.until("turn.ended")[0]["status"] == "completed"


def test_a_stream_is_resumed_byte_for_byte_from_any_event(chat: Chat, paced: OfflineLLM) -> None:
    body = {"model": "deepthinks", "input": STORY, "stream": True}
    whole = chat.http().post("/responses", json=body).text
    blocks = whole.removesuffix("\n\n").split("\n\n")
    path = f"/responses/{_id_in(blocks[0])}"

    for seen in (-1, 0, 7, len(blocks) - 2, len(blocks) - 1, len(blocks) + 5):
        resumed = chat.http().get(path, params={"stream": True, "starting_after": seen}).text

        assert resumed == "".join(f"{block}\n\n" for block in blocks[seen + 1 :])


def test_a_second_device_follows_a_running_response_from_the_middle(chat: Chat, paced: OfflineLLM) -> None:
    with chat.streaming(STORY) as events:
        response = first_words(events)

        second = list(chat.sdk().responses.retrieve(response["id"], stream=True, starting_after=3))

        first = [4, *[event["sequence_number"] for event in events]]
    assert [event.sequence_number for event in second] == first
    assert second[-1].type == "response.completed"


def test_a_stop_closes_the_model_keeps_the_text_and_bills_it(
    chat: Chat, paced: OfflineLLM, neighbours: Neighbours
) -> None:
    with chat.streaming(STORY) as events:
        response = first_words(events)

        stopped = chat.sdk().responses.cancel(response["id"])

        until_closed(paced)
        last = list(events)[-1]
    assert stopped.status == "cancelled"
    assert 0 < len(stopped.output_text) < len(STORY)
    assert last["type"] == "response.incomplete"
    assert last["response"]["status"] == "cancelled"
    assert last["response"]["output"] == stopped.to_dict()["output"]
    [usage] = neighbours.analytics.until("usage.recorded")
    assert (usage["outcome"], usage["source"]) == ("cancelled", "estimated")
    assert usage["input_tokens"] > 0 < usage["output_tokens"]
    [turn] = neighbours.memory.until("turn.ended")
    assert (turn["status"], turn["assistant_text"]) == ("cancelled", stopped.output_text)


def test_a_stop_before_the_first_word_ends_the_response_too(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    response = chat.ask("Hello", background=True)

    stopped = chat.sdk().responses.cancel(response["id"])

    assert (stopped.status, stopped.output) == ("cancelled", [])
    until_closed(llm)
    llm.behave()
    assert chat.ask("Hello again", conversation=response["conversation"]["id"])["status"] == "completed"


def test_a_stop_after_the_end_changes_nothing(chat: Chat) -> None:
    response = chat.ask("Hello")

    assert chat.http().post(f"/responses/{response['id']}/cancel").json() == response


def test_a_conversation_takes_one_turn_at_a_time(chat: Chat, paced: OfflineLLM) -> None:
    with chat.streaming(STORY) as events:
        running = first_words(events)
        conversation_id = running["conversation"]["id"]

        body = {"model": "deepthinks", "input": "Hello"}
        busy = chat.http().post("/responses", json={**body, "conversation": {"id": conversation_id}})
        behind_it = chat.http().post("/responses", json={**body, "previous_response_id": running["id"]})

    assert (busy.status_code, busy.json()["code"]) == (409, "conversation_busy")
    assert (behind_it.status_code, behind_it.json()["code"]) == (409, "conversation_busy")
    assert running["id"] in busy.json()["detail"]  # what there is to wait for, or to cancel
    chat.until(running["id"], "completed")
    assert chat.ask("Hello", conversation=conversation_id)["status"] == "completed"


def test_leaving_stops_a_stream_that_is_not_stored(chat: Chat, paced: OfflineLLM, neighbours: Neighbours) -> None:
    with chat.streaming(STORY, store=False) as events:
        first_words(events)

    until_closed(paced)
    assert neighbours.analytics.until("usage.recorded")[0]["outcome"] == "cancelled"


def test_a_stream_that_is_not_stored_goes_on_while_somebody_else_reads_it(chat: Chat, paced: OfflineLLM) -> None:
    with chat.http() as client:
        with chat.streaming(STORY, store=False) as events:
            response = first_words(events)
            joining = client.build_request("GET", f"/responses/{response['id']}", params={"stream": True})
            joined = events_of(client.send(joining, stream=True).iter_lines())
            next(joined)
        last = list(joined)[-1]

    assert last["type"] == "response.completed"


def test_nothing_follows_a_response_that_is_not_stored(chat: Chat, paced: OfflineLLM) -> None:
    with chat.streaming(STORY, store=False) as events:
        response = first_words(events)
        body = {"model": "deepthinks", "input": "And then?", "previous_response_id": response["id"]}

        refused = chat.http().post("/responses", json=body)

    assert (refused.status_code, refused.json()["code"]) == (404, "response_not_found")


def test_leaving_stops_an_answer_that_is_not_stored(chat: Chat, paced: OfflineLLM, neighbours: Neighbours) -> None:
    body = {"model": "deepthinks", "input": STORY, "store": False}

    with pytest.raises(httpx.ReadTimeout):
        chat.http().post("/responses", json=body, timeout=0.3)

    until_closed(paced)
    assert neighbours.analytics.until("usage.recorded")[0]["outcome"] == "cancelled"


def test_a_silent_stream_is_kept_alive(start: Any, llm: OfflineLLM) -> None:
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"before_first_token_seconds": 0.5}})

    with start(stream_keep_alive_seconds=0.1) as chat:
        body = {"model": "deepthinks", "input": "Hello", "stream": True}
        answer = chat.http().post("/responses", json=body).text

    assert answer.count(": ping\n\n") >= 3
    assert answer.rstrip().rpartition("\n\n")[2].startswith("event: response.completed")


def _id_in(block: str) -> str:
    return block.partition('"response":{"id":"')[2].partition('"')[0]
