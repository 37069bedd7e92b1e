"""A turn as OpenAI's own clients ask for it."""

import json
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours

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


def test_the_sdk_gets_a_whole_answer(chat: Chat) -> None:
    response = chat.sdk().responses.create(model="deepthinks", input="The meeting is on Tuesday. When is the meeting?")

    assert response.status == "completed"
    assert response.model == "deepthinks"
    assert "Tuesday" in response.output_text
    assert response.conversation is not None
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert chat.sdk().responses.retrieve(response.id).to_dict() == response.to_dict()


def test_the_sdk_follows_a_stream(chat: Chat) -> None:
    with chat.sdk().responses.stream(model="deepthinks", input="The meeting is on Tuesday. When is it?") as stream:
        events = list(stream)
        final = stream.get_final_response()

    kinds = [event.type for event in events]
    assert list(dict.fromkeys(kinds)) == ORDER
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == final.output_text
    assert final.to_dict()["id"] == chat.sdk().responses.retrieve(final.id).id


def test_a_plain_stream_carries_the_same_events(chat: Chat) -> None:
    events = list(chat.sdk().responses.create(model="deepthinks", input="Hello there", stream=True))

    assert list(dict.fromkeys(event.type for event in events)) == ORDER


def test_a_stream_is_written_as_clients_need_it(chat: Chat) -> None:
    body = {"model": "deepthinks", "input": "Hello", "stream": True}

    answer = chat.http().post("/responses", json=body, headers={"x-request-id": "request-0001"})

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"] == "request-0001"
    assert answer.headers["x-conversation-id"].startswith("conv_")
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_a_conversation_goes_on(chat: Chat, neighbours: Neighbours) -> None:
    first = chat.ask("My dog is called Balthasar.")
    conversation_id = first["conversation"]["id"]

    second = chat.ask("What is my dog called?", conversation=conversation_id)

    assert "Balthasar" in second["output"][0]["content"][0]["text"]
    items = chat.sdk().conversations.items.list(conversation_id, order="asc").data
    assert [item.role for item in items] == ["user", "assistant", "user", "assistant"]  # type: ignore[union-attr]
    turns = neighbours.memory.until("turn.ended", 2)
    assert [turn["turn_id"] for turn in turns] == [first["id"], second["id"]]
    assert turns[1]["parent_id"] == first["id"]
    assert [turn["depth"] for turn in turns] == [1, 2]
    assert turns[0]["user_text"] == "My dog is called Balthasar."


def test_a_previous_response_branches(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Balthasar.")
    second = chat.ask("My cat is called Melchior.", previous_response_id=first["id"])

    branch = chat.ask("What do you know?", previous_response_id=first["id"])

    assert branch["conversation"] == second["conversation"] == first["conversation"]
    assert branch["previous_response_id"] == first["id"]
    sent = json.dumps(llm.requests()[-1]["body"]["messages"])
    assert "Balthasar" in sent
    assert "Melchior" not in sent
    items = chat.sdk().conversations.items.list(first["conversation"]["id"], order="asc").data
    contents: list[Any] = [item.to_dict()["content"] for item in items]
    said = [part["text"] for content in contents for part in content if part["type"] == "input_text"]
    assert said == ["My dog is called Balthasar.", "What do you know?"]


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_not_stored_leaves_nothing_but_its_cost(chat: Chat, neighbours: Neighbours, stream: bool) -> None:
    made: Any = chat.sdk().responses.create(model="deepthinks", input="Hello", store=False, stream=stream)
    response_id = list(made)[-1].response.id if stream else made.id

    [usage] = neighbours.analytics.until("usage.recorded")

    assert usage["response_id"] == response_id
    assert usage["conversation_id"] is None
    assert chat.http().get(f"/responses/{response_id}").status_code == 404
    assert chat.http().get("/conversations").json()["data"] == []
    assert neighbours.memory.asked == []
    assert neighbours.memory.data_of("turn.ended") == []


def test_a_background_response_is_there_at_once_and_made_all_the_same(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"before_first_token_seconds": 0.3}})

    response = chat.sdk().responses.create(model="deepthinks", input="Hello", background=True)

    assert response.status == "in_progress"
    assert response.background is True
    assert chat.until(response.id, "completed")["output"]


def test_the_request_is_passed_on_to_the_model(chat: Chat, llm: OfflineLLM) -> None:
    fields: dict[str, Any] = {"instructions": "Talk like a pirate.", "temperature": 0.25, "top_p": 0.5}

    response = chat.ask("Hello", max_output_tokens=100_000, metadata={"a": "b"}, **fields)

    sent = llm.requests()[-1]["body"]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.25, 0.5, 6000)
    assert {"role": "system", "content": "Talk like a pirate."} in sent["messages"]
    assert {name: response[name] for name in fields} == fields
    assert response["metadata"] == {"a": "b"}


def test_an_answer_that_is_cut_short_says_so(chat: Chat) -> None:
    response = chat.ask("Please repeat: one two three four five six seven eight nine ten.", max_output_tokens=3)

    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"


def test_a_client_that_sends_its_output_back_goes_on_without_the_thoughts(chat: Chat, llm: OfflineLLM) -> None:
    model = "Qwen/Qwen3-235B-A22B-Thinking-2507"
    asked = {"role": "user", "content": "My dog is called Rex."}
    first = chat.sdk().responses.create(model=model, input=[asked])  # type: ignore[list-item]

    again = [asked, *first.output, {"role": "user", "content": "What is my dog called?"}]
    second = chat.sdk().responses.create(model=model, input=again)  # type: ignore[arg-type]

    assert "Rex" in second.output_text
    assert [message["role"] for message in llm.requests()[-1]["body"]["messages"]] == ["user", "assistant", "user"]


def test_a_client_may_refer_to_items_instead_of_sending_them_back(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.", model="Qwen/Qwen3-235B-A22B-Thinking-2507")
    [asked] = chat.http().get(f"/responses/{first['id']}/input_items").json()["data"]
    references = [{"type": "item_reference", "id": item["id"]} for item in [asked, *first["output"]]]

    second = chat.ask([*references, {"role": "user", "content": "What is my dog called?"}])

    said = [message["content"] for message in llm.requests()[-1]["body"]["messages"][1:]]
    assert said == ["My dog is called Rex.", first["output"][1]["content"][0]["text"], "What is my dog called?"]
    kept = chat.http().get(f"/responses/{second['id']}/input_items", params={"order": "asc"}).json()["data"]
    assert [item["role"] for item in kept] == ["user", "assistant", "user"]
    assert not {item["id"] for item in kept} & {asked["id"], first["output"][1]["id"]}


def test_an_item_of_somebody_else_cannot_be_referred_to(chat: Chat) -> None:
    theirs = chat.somebody_else().ask("My dog is called Rex.")["output"][0]["id"]
    messages = [{"type": "item_reference", "id": theirs}, {"role": "user", "content": "What is my dog called?"}]

    refused = chat.http().post("/responses", json={"model": "deepthinks", "input": messages})

    assert (refused.status_code, refused.json()["code"]) == (404, "item_not_found")


def test_what_is_referred_to_counts_towards_the_length_of_a_turn(start: Any) -> None:
    with start(input_max_characters=100) as chat:
        said = chat.ask("x" * 60)
        [item] = chat.http().get(f"/responses/{said['id']}/input_items").json()["data"]
        messages = [{"type": "item_reference", "id": item["id"]}, {"role": "user", "content": "y" * 60}]

        refused = chat.http().post("/responses", json={"model": "deepthinks", "input": messages})

    assert (refused.status_code, refused.json()["code"]) == (400, "input_too_long")


def test_reasoning_is_an_item_of_its_own_and_stays_out_of_memory(
    chat: Chat, neighbours: Neighbours, llm: OfflineLLM
) -> None:
    model = "Qwen/Qwen3-235B-A22B-Thinking-2507"

    with chat.sdk().responses.stream(model=model, input="My dog is called Rex. What is my dog called?") as stream:
        list(stream)
        final = stream.get_final_response()

    assert [item.type for item in final.output] == ["reasoning", "message"]
    thought = dict(final.output[0].to_dict()["content"][0])["text"]  # type: ignore[index]
    [turn] = neighbours.memory.until("turn.ended")
    assert turn["assistant_text"] == final.output_text
    assert thought not in turn["assistant_text"]
    chat.ask("And now?", model=model, conversation=final.conversation.id)  # type: ignore[union-attr]
    assert thought not in json.dumps(llm.requests()[-1]["body"], ensure_ascii=False)
