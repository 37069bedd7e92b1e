"""Functions of the client's: the model asks for them, the client calls them and brings what they returned."""

import json
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
QUESTION = "What is the weather in the city of Paris?"


def called(response: dict[str, Any]) -> dict[str, Any]:
    """The one call in an answer."""
    [item] = [item for item in response["output"] if item["type"] == "function_call"]
    return dict(item)


def result(call: dict[str, Any], output: str = "In Paris the weather is sunny, 21 degrees.") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": output}


def sent(llm: OfflineLLM) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = llm.requests()[-1]["body"]["messages"]
    return messages


def test_a_model_asks_for_a_function_and_answers_with_what_it_returned(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask(QUESTION, tools=[WEATHER], tool_choice="auto")
    call = called(first)
    second = chat.ask([result(call)], previous_response_id=first["id"], tools=[WEATHER])

    assert (call["name"], call["status"]) == ("get_weather", "completed")
    assert json.loads(call["arguments"])["city"]
    assert first["status"] == "completed"
    assert first["tools"][0]["name"] == "get_weather"
    assert [message["role"] for message in sent(llm)[1:]] == ["user", "assistant", "tool"]
    assert sent(llm)[2]["tool_calls"][0]["id"] == call["call_id"]
    assert "21 degrees" in second["output"][0]["content"][0]["text"]


def test_the_events_of_a_call_come_in_openais_order(chat: Chat) -> None:
    with chat.streaming(QUESTION, tools=[WEATHER]) as events:
        told = list(events)

    kinds = list(dict.fromkeys(event["type"] for event in told))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event["delta"] for event in told if event["type"].endswith("arguments.delta")]
    done = next(event for event in told if event["type"].endswith("arguments.done"))
    assert "".join(deltas) == done["arguments"] == called(told[-1]["response"])["arguments"]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))


def test_openais_client_follows_a_call(chat: Chat) -> None:
    with chat.sdk() as sdk, sdk.responses.stream(model="deepthinks", input=QUESTION, tools=[WEATHER]) as stream:  # type: ignore[list-item]
        final = stream.get_final_response()

    assert [item.type for item in final.output] == ["function_call"]


def test_a_result_can_go_to_the_conversation_as_well(chat: Chat, llm: OfflineLLM, neighbours: Neighbours) -> None:
    opening = chat.ask("My dog is called Rex.")
    conversation = opening["conversation"]["id"]
    asked = chat.ask(QUESTION, conversation=conversation, tools=[WEATHER])

    chat.ask([result(called(asked))], conversation=conversation)

    assert [message["role"] for message in sent(llm)][-3:] == ["user", "assistant", "tool"]
    assert neighbours.memory.asked[-1]["tail"] == [opening["id"]], "the exchange is chat's own, not memory's"
    assert neighbours.memory.asked[-1]["query"] == QUESTION


def test_memory_hears_of_words_alone(chat: Chat, neighbours: Neighbours) -> None:
    asked = chat.ask(QUESTION, tools=[WEATHER])
    chat.ask([result(called(asked))], previous_response_id=asked["id"])

    first, second = neighbours.memory.until("turn.ended", 2)

    assert (first["user_text"], first["assistant_text"]) == (QUESTION, "")
    assert second["user_text"] == ""
    assert second["assistant_text"]


def test_a_result_that_nobody_asked_for_is_refused_and_nothing_is_stored(chat: Chat) -> None:
    opening = chat.ask("Hello there.")
    body = {"model": "deepthinks", "input": [{"type": "function_call_output", "call_id": "call_x", "output": "1"}]}

    lost = chat.http().post("/responses", json=body)
    wrong = chat.http().post("/responses", json={**body, "previous_response_id": opening["id"]})

    assert [(answer.status_code, answer.json()["code"]) for answer in (lost, wrong)] == [
        (400, "tool_call_not_found"),
        (400, "tool_call_not_found"),
    ]
    assert len(chat.http().get("/conversations").json()["data"]) == 1


def test_a_client_may_keep_the_history_itself(chat: Chat, llm: OfflineLLM) -> None:
    history = [
        {"role": "user", "content": QUESTION},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Paris"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "rain"}]},
    ]

    answer = chat.ask(history, store=False, tools=[WEATHER])

    assert [message["role"] for message in sent(llm)[1:]] == ["user", "assistant", "tool"]
    assert sent(llm)[3]["content"] == "rain"
    assert answer["status"] == "completed"


def test_a_call_that_was_never_answered_does_not_spoil_what_follows(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    asked = chat.ask(QUESTION, tools=[WEATHER])

    with neighbours.memory.down():
        chat.ask("Never mind. What is my name?", previous_response_id=asked["id"])

    assert [message["role"] for message in sent(llm)[1:]] == ["user", "user"]


def test_calls_survive_a_long_loop(chat: Chat, llm: OfflineLLM) -> None:
    answer = chat.ask(QUESTION, tools=[WEATHER])
    for _ in range(3):
        llm.misbehave({"times": 1, "fault": {"content": "Noted."}})
        answer = chat.ask(
            [result(called(answer)), {"role": "user", "content": QUESTION}],
            previous_response_id=answer["id"],
            tools=[WEATHER],
            tool_choice={"type": "function", "name": "get_weather"},
        )
        if not any(item["type"] == "function_call" for item in answer["output"]):
            break

    assert answer["status"] == "completed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "mcp", "server_url": "http://127.0.0.1", "server_label": "x"}]),
        ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": []}),
    ],
)
def test_tools_of_the_server_are_refused_by_name(chat: Chat, field: str, value: Any) -> None:
    answer = chat.http().post("/responses", json={"input": "Hello", field: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_parameter")
    assert answer.json()["error"]["param"].startswith(field)


def test_an_answer_in_json_follows_its_schema(chat: Chat) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    shape = {"type": "json_schema", "name": "dog", "schema": schema, "strict": True}

    answer = chat.ask("My dog is called Rex. What is its name?", text={"format": shape})

    assert set(json.loads(answer["output"][0]["content"][0]["text"])) == {"name"}
    assert answer["text"]["format"]["name"] == "dog"
