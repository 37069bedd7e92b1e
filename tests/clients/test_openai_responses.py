"""Responses with the official SDK for Python."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .pictures import png
from .somebody import Somebody

ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def said(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def test_a_response_comes_whole_and_can_be_read_again(somebody: Somebody) -> None:
    response = somebody.sdk.responses.create(
        model="deepthinks", input="My dog is called Rex.", metadata={"topic": "dogs"}, temperature=0.5
    )

    stored = somebody.sdk.responses.retrieve(response.id)
    assert (response.status, response.model, response.metadata) == ("completed", "deepthinks", {"topic": "dogs"})
    assert "Rex" in response.output_text
    assert stored.to_dict() == response.to_dict()
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_the_stream_helper_takes_the_events_in_their_order(somebody: Somebody) -> None:
    with somebody.sdk.responses.stream(model="deepthinks", input="My cat is called Turing.") as stream:
        events = list(stream)

    response = stream.get_final_response()
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == ORDER
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert said(events) == response.output_text != ""


def test_a_dropped_stream_is_resumed_where_it_was(somebody: Somebody) -> None:
    stream = somebody.sdk.responses.create(model="deepthinks", input="I left the oven on.", stream=True)
    seen = [next(stream) for _ in range(5)]
    stream.close()

    rest = list(
        somebody.sdk.responses.retrieve(seen[0].response.id, stream=True, starting_after=seen[-1].sequence_number)
    )

    assert [event.sequence_number for event in seen + rest] == list(range(len(seen) + len(rest)))
    assert rest[-1].type == "response.completed"
    assert said(seen + rest) == rest[-1].response.output_text


def test_the_stream_helper_follows_what_runs_in_the_background(somebody: Somebody) -> None:
    begun = somebody.sdk.responses.create(model="deepthinks", input="My boat is called Petrel.", background=True)

    with somebody.sdk.responses.stream(response_id=begun.id) as stream:
        response = stream.get_final_response()

    assert begun.status == "in_progress"
    assert (response.id, response.status) == (begun.id, "completed")
    assert "Petrel" in response.output_text


def test_cancel_stops_the_model_and_keeps_the_text(somebody: Somebody, offline: OfflineLLM) -> None:
    offline.fail("Count the stars", content="star " * 500, tokens_per_second=100)
    stream = somebody.sdk.responses.create(model="deepthinks", input="Count the stars.", stream=True)
    events = [next(stream) for _ in range(8)]

    stopped = somebody.sdk.responses.cancel(events[0].response.id)

    events += list(stream)
    assert eventually(lambda: offline.open_streams() == 0)
    assert (stopped.status, events[-1].type) == ("cancelled", "response.incomplete")
    assert stopped.output_text == said(events) == somebody.sdk.responses.retrieve(stopped.id).output_text != ""


def test_a_deleted_response_is_gone_and_its_conversation_goes_on(somebody: Somebody) -> None:
    conversation = somebody.sdk.conversations.create().id
    first = somebody.sdk.responses.create(
        model="deepthinks", conversation=conversation, input="My sister is called Ingrid."
    )
    somebody.sdk.responses.create(model="deepthinks", conversation=conversation, input="My brother is called Ole.")

    somebody.sdk.responses.delete(first.id)

    with pytest.raises(openai.NotFoundError):
        somebody.sdk.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        somebody.sdk.responses.input_items.list(first.id)
    assert "Ole" in say(somebody, conversation, "What is my brother called?")
    assert "Ingrid" not in say(somebody, conversation, "What is my sister called?")


def say(somebody: Somebody, conversation: str, text: str) -> str:
    return somebody.sdk.responses.create(model="deepthinks", conversation=conversation, input=text).output_text


def test_input_items_say_what_went_in(somebody: Somebody) -> None:
    asked: Any = [{"role": "user", "content": [{"type": "input_text", "text": "Good evening."}]}]
    response = somebody.sdk.responses.create(model="deepthinks", input=asked)

    [item] = somebody.sdk.responses.input_items.list(response.id).data

    assert item.to_dict()["content"] == asked[0]["content"]


def test_a_previous_response_is_gone_on_from_on_a_branch_of_its_own(somebody: Somebody) -> None:
    root = somebody.sdk.responses.create(model="deepthinks", input="I keep bees.")
    left, right = (
        somebody.sdk.responses.create(model="deepthinks", input=text, previous_response_id=root.id)
        for text in ("My queen is called Aurelia.", "My queen is called Beatrix.")
    )

    answer = somebody.sdk.responses.create(
        model="deepthinks", input="What is my queen called?", previous_response_id=left.id
    )

    assert "Aurelia" in answer.output_text
    assert "Beatrix" not in answer.output_text
    assert answer.previous_response_id == left.id != right.id


def test_instructions_reach_the_model_for_one_turn(somebody: Somebody, offline: OfflineLLM) -> None:
    somebody.sdk.responses.create(
        model="deepthinks", input="Who are you, harbour?", instructions="You are the harbour master."
    )

    [call] = offline.asked("Who are you, harbour?")
    assert any("You are the harbour master." in str(message["content"]) for message in call["body"]["messages"])


def test_what_is_not_to_be_stored_is_not_there_afterwards(somebody: Somebody) -> None:
    response = somebody.sdk.responses.create(model="deepthinks", input="Burn after reading.", store=False)

    with pytest.raises(openai.NotFoundError):
        somebody.sdk.responses.retrieve(response.id)


def test_a_function_is_called_and_its_result_answered_from(somebody: Somebody) -> None:
    with somebody.sdk.responses.stream(
        model="deepthinks", input="What is the weather in Lisbon?", tools=[WEATHER]
    ) as stream:
        kinds = {event.type for event in stream}
    asked = stream.get_final_response()
    [call] = [item for item in asked.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Lisbon: 31 degrees, sunny."}

    answer = somebody.sdk.responses.create(
        model="deepthinks", input=[result], previous_response_id=asked.id, tools=[WEATHER]
    )

    assert {"response.function_call_arguments.delta", "response.function_call_arguments.done"} <= kinds
    assert call.name == "get_weather"
    assert "city" in json.loads(call.arguments)
    assert "31 degrees" in answer.output_text


class Keeper(BaseModel):
    name: str
    island: str


def test_an_answer_is_parsed_by_the_schema_that_was_asked_for(somebody: Somebody) -> None:
    response = somebody.sdk.responses.parse(
        model="deepthinks",
        input="The keeper is called Ingrid and lives on the island of Runde.",
        text_format=Keeper,
    )

    assert isinstance(response.output_parsed, Keeper)


def test_an_image_is_seen_by_a_model_with_eyes(somebody: Somebody) -> None:
    content: Any = [
        {"type": "input_text", "text": "What colour is this image?"},
        {"type": "input_image", "image_url": png("blue"), "detail": "auto"},
    ]

    response = somebody.sdk.responses.create(model="deepthinks", input=[{"role": "user", "content": content}])

    assert "12 x 8 pixels, mostly blue" in response.output_text


def test_thoughts_are_an_item_of_their_own(somebody: Somebody) -> None:
    response = somebody.sdk.responses.create(model="deepthinks-reason", input="Why is the lighthouse striped?")

    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output_text


def test_a_response_that_was_cut_says_why(somebody: Somebody) -> None:
    response = somebody.sdk.responses.create(
        model="deepthinks", input="My parrot is called Admiral Benbow.", max_output_tokens=2
    )

    assert (response.status, response.incomplete_details and response.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )


def test_an_answer_in_files_is_read_from_an_extension_field_and_downloaded(somebody: Somebody) -> None:
    response = somebody.sdk.responses.create(
        model="deepthinks-code", input="Write a function that greets Ada in a file called greet.py."
    )

    code = response.to_dict()["code"]
    listed = somebody.sdk.get(f"/conversations/{response.conversation.id}/code_files", cast_to=object)["data"]
    content = somebody.http.get(f"/v1/conversations/{response.conversation.id}/code_files/{listed[0]['id']}/content")
    assert response.status == "completed"
    assert [file["name"] for file in listed] == [file["name"] for file in code["files"]]
    assert content.text == code["files"][0]["content"]
    assert content.headers["content-disposition"].startswith("attachment")
