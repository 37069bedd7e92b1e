"""The events of an answer, and the answer put together from its events again."""

import json
from typing import Any

import pytest

from chat_service.answer import Answer
from chat_service.responses import describe
from chat_service.stores.responses import StoredResponse

TURN = StoredResponse(
    id="resp_1",
    owner="user_1",
    conversation_id="conv_1",
    parent_id=None,
    depth=1,
    status="in_progress",
    model="deepthinks",
    mode="deepthinks",
    model_id="model",
    stored=True,
    key_id=None,
    runner="boot_1",
    request={},
    created_at=1.0,
)


def told(events: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(event.partition(b"data: ")[2]) for event in events]


def begun() -> Answer:
    answer = Answer()
    answer.begin(describe(TURN, []))
    return answer


def test_what_is_said_between_two_readings_is_one_delta() -> None:
    answer = begun()
    answer.say("one ")
    answer.events()
    answer.say("two ")
    answer.say("three")

    [delta] = told(answer.events())

    assert (delta["type"], delta["delta"], delta["sequence_number"]) == (
        "response.output_text.delta",
        "two three",
        5,
    )


def test_thoughts_end_where_speech_begins() -> None:
    answer = begun()
    answer.think("hm")
    answer.say("yes")
    answer.close("completed")

    kinds = [event["type"].removeprefix("response.") for event in told(answer.events())]

    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert [item["type"] for item in answer.output] == ["reasoning", "message"]
    assert (answer.text, answer.thoughts) == ("hmyes", "hm")


@pytest.mark.parametrize("saved", range(13))
def test_an_answer_replayed_from_any_event_ends_with_the_text_it_had(saved: int) -> None:
    answer = begun()
    answer.think("hm")
    events = answer.events()
    for word in ("one ", "two ", "three"):
        answer.say(word)
        events += answer.events()
    kept = events[: 2 + saved]

    again = Answer.replay(kept)
    again.close("incomplete")
    log = told(kept + again.events())

    assert [event["sequence_number"] for event in log] == list(range(len(log)))
    deltas = "".join(event["delta"] for event in log if event["type"].endswith(".delta"))
    assert "".join(item["content"][0]["text"] for item in again.output) == deltas == again.text


def test_an_answer_without_a_word_has_no_item() -> None:
    answer = begun()
    answer.close("incomplete")

    assert answer.output == []
    assert len(answer.events()) == 2
