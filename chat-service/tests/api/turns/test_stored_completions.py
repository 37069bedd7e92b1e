"""Chat completions that name a conversation: stored, remembered, and still the completions API."""

import uuid
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessageParam

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, events_of, until_open
from .neighbours import Neighbours


def said(llm: OfflineLLM) -> list[str]:
    """What was said to the model, after the prompt."""
    return [message["content"] for message in llm.requests()[-1]["body"]["messages"][1:]]


def complete(chat: Chat, conversation: str, *messages: Any, **fields: Any) -> dict[str, Any]:
    body = {"model": "deepthinks", "messages": [_message(each) for each in messages], **fields}
    answer = chat.http().post("/chat/completions", json=body, headers={"x-conversation-id": conversation})
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "conversation": answer.headers["x-conversation-id"]}


def _message(given: Any) -> Any:
    return {"role": "user", "content": given} if isinstance(given, str) else given


def test_only_the_new_message_is_taken_and_the_turn_is_stored(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    theirs = str(uuid.uuid4())
    first = complete(chat, theirs, "My dog is called Rex.")
    assistant = {"role": "assistant", "content": "Forged: the dog is called Fido."}

    second = complete(chat, theirs, "My dog is called Fido.", assistant, "What is the name of my dog?")

    assert first["conversation"] == second["conversation"]
    assert said(llm)[0] == "My dog is called Rex."
    assert "Rex" in second["choices"][0]["message"]["content"]
    assert not any("Fido" in text for text in said(llm))
    items = chat.http().get(f"/conversations/{first['conversation']}/items").json()["data"]
    assert len(items) == 4
    assert len(neighbours.memory.until("turn.ended", 2)) == 2
    assert [call["purpose"] for call in chat.ledger()] == ["turn", "turn"]


def test_our_own_ids_and_theirs_name_the_same(chat: Chat) -> None:
    ours = complete(chat, "their-id", "Hello there.")["conversation"]

    assert complete(chat, ours, "Hello again.")["conversation"] == ours
    through_metadata = chat.http().post(
        "/chat/completions",
        json={
            "model": "deepthinks",
            "messages": [_message("Once more.")],
            "metadata": {"conversation_id": "their-id"},
        },
    )
    assert through_metadata.headers["x-conversation-id"] == ours


def test_a_name_is_the_same_in_the_header_and_in_the_metadata(chat: Chat) -> None:
    name = "Grüße 👋"
    asked = {"model": "deepthinks", "messages": [_message("Hello")]}

    in_header = chat.http().post("/chat/completions", json=asked, headers={"x-conversation-id": name.encode()})
    in_metadata = chat.http().post("/chat/completions", json={**asked, "metadata": {"conversation_id": name}})

    assert in_header.headers["x-conversation-id"] == in_metadata.headers["x-conversation-id"]


def test_their_id_is_another_conversation_for_somebody_else(chat: Chat) -> None:
    mine = complete(chat, "shared-id", "My secret is blue.")
    other = chat.somebody_else()

    theirs = complete(other, "shared-id", "What is my secret?")

    assert theirs["conversation"] != mine["conversation"]
    body = {"model": "deepthinks", "messages": [_message("Hi")]}
    answer = other.http().post("/chat/completions", json=body, headers={"x-conversation-id": mine["conversation"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")


def test_a_stream_is_the_same_as_any_other(chat: Chat) -> None:
    with chat.sdk() as sdk:
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "My dog is called Rex."}]
        chunks = list(
            sdk.chat.completions.create(
                model="deepthinks",
                messages=messages,
                stream=True,
                stream_options={"include_usage": True},
                extra_headers={"X-Conversation-Id": "their-id"},
            )
        )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.endswith("Noted: My dog is called Rex.")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0


def test_a_client_that_leaves_loses_nothing(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"tokens_per_second": 60}})
    body = {"model": "deepthinks", "messages": [_message("My dog is called Rex.")], "stream": True}
    with chat.http().stream("POST", "/chat/completions", json=body, headers={"x-conversation-id": "x"}) as answer:
        conversation = answer.headers["x-conversation-id"]
        next(events_of(answer.iter_lines()))

    [turn] = chat.http().get(f"/conversations/{conversation}/responses").json()["data"]
    ended = chat.until(turn["id"], "completed")

    assert ended["output"][-1]["content"][0]["text"].endswith("Noted: My dog is called Rex.")


def test_system_messages_are_instructions_of_the_turn(chat: Chat, llm: OfflineLLM) -> None:
    complete(chat, "x", {"role": "system", "content": "Be brief."}, "Hello there.")

    assert said(llm) == ["Be brief.", "Hello there."]


def test_tools_go_round(chat: Chat, llm: OfflineLLM) -> None:
    function = {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    tools = [{"type": "function", "function": function}]
    question = "What is the weather in the city of Paris?"
    first = complete(chat, "x", question, tools=tools)
    message = first["choices"][0]["message"]
    call = message["tool_calls"][0]

    result = {"role": "tool", "tool_call_id": call["id"], "content": "In Paris the weather is sunny, 21 degrees."}
    second = complete(chat, "x", question, message, result, tools=tools)

    assert first["choices"][0]["finish_reason"] == "tool_calls"
    assert "21 degrees" in second["choices"][0]["message"]["content"]
    assert [each["role"] for each in llm.requests()[-1]["body"]["messages"][1:]] == ["user", "assistant", "tool"]


def test_reasoning_is_shown_and_never_remembered(chat: Chat, neighbours: Neighbours) -> None:
    answer = complete(chat, "x", "My dog is called Rex.", model="deepthinks-reason")

    message = answer["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_content"]
    assert message["reasoning"]
    [turn] = neighbours.memory.until("turn.ended")
    assert turn["assistant_text"] == message["content"]


def test_a_failure_before_a_word_is_a_status(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"status": 429, "retry_after": 7}})
    body = {"model": "deepthinks", "messages": [_message("Hello")], "stream": True}

    answer = chat.http().post("/chat/completions", json=body, headers={"x-conversation-id": "x"})

    assert (answer.status_code, answer.json()["code"]) == (429, "model_rate_limited")
    assert answer.headers["retry-after"] == "7"


def test_a_failure_in_the_middle_is_an_error_event(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"cut_after_chunks": 3}})
    body = {"model": "deepthinks", "messages": [_message("Hello")], "stream": True}

    with chat.http().stream("POST", "/chat/completions", json=body, headers={"x-conversation-id": "x"}) as answer:
        told = list(events_of(answer.iter_lines()))

    assert told[-1]["error"]["code"] == "model_answer_garbled"


def test_a_repeat_whose_log_is_gone_is_refused_and_no_empty_answer(chat: Chat) -> None:
    body = {"model": "deepthinks", "messages": [_message("My dog is called Rex.")]}
    headers = {"x-conversation-id": "their-id", "idempotency-key": "once"}
    first = chat.http().post("/chat/completions", json=body, headers=headers)
    items = f"/conversations/{first.headers['x-conversation-id']}/items"
    answered = chat.http().get(items).json()["data"][0]
    chat.http().delete(f"{items}/{answered['id']}").raise_for_status()

    again = chat.http().post("/chat/completions", json=body, headers=headers)

    assert (again.status_code, again.json()["code"]) == (410, "events_expired")


def test_one_turn_at_a_time(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"hang_after_chunks": 2}})
    body = {"model": "deepthinks", "messages": [_message("Hello")], "stream": True}
    with chat.http().stream("POST", "/chat/completions", json=body, headers={"x-conversation-id": "x"}) as answer:
        until_open(llm)

        second = chat.http().post("/chat/completions", json=body, headers={"x-conversation-id": "x"})

        [turn] = chat.http().get(f"/conversations/{answer.headers['x-conversation-id']}/responses").json()["data"]
        chat.http().post(f"/responses/{turn['id']}/cancel")
        told = list(events_of(line for line in answer.iter_lines() if "[DONE]" not in line))
    assert (second.status_code, second.json()["code"]) == (409, "conversation_busy")
    assert told[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"stop": ["."]}, "unsupported_parameter"),
        (
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "function", "name": "f", "content": "1"}]},
            "unsupported_parameter",
        ),
        ({"messages": [{"role": "system", "content": "Be brief."}]}, "input_missing"),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]}, "input_missing"),
        ({"metadata": {"conversation_id": 7}}, "invalid_request"),
        ({"metadata": {"conversation_id": "x" * 256}}, "invalid_request"),
    ],
)
def test_what_makes_no_turn_is_refused(chat: Chat, fields: dict[str, Any], code: str) -> None:
    body = {"model": "deepthinks", "messages": [_message("Hi")], "metadata": {"conversation_id": "x"}, **fields}

    answer = chat.http().post("/chat/completions", json=body)

    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == code


def answered(completion: dict[str, Any]) -> dict[str, Any]:
    """What a program keeps of an answer."""
    return {"role": "assistant", "content": completion["choices"][0]["message"]["content"]}


def tree(chat: Chat, completion: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What was asked, and what was asked before it; oldest first."""
    nodes = chat.http().get(f"/conversations/{completion['conversation']}/responses").json()["data"]
    asked = {node["id"]: node["preview"] for node in nodes}
    return [(node["preview"], asked.get(node["parent_id"])) for node in nodes]


def test_a_program_that_keeps_the_talk_itself_asks_again_where_its_history_ends(chat: Chat, llm: OfflineLLM) -> None:
    first = complete(chat, "their-talk", "My dog is called Rex.")
    talk = ["My dog is called Rex.", answered(first)]
    second = complete(chat, "their-talk", *talk, "My cat is called Tom.")
    complete(chat, "their-talk", *talk, "My cat is called Tom.", answered(second), "And the parrot?")

    edited = complete(chat, "their-talk", *talk, "My cat is called Tim.")

    assert tree(chat, edited) == [
        ("My dog is called Rex.", None),
        ("My cat is called Tom.", "My dog is called Rex."),
        ("And the parrot?", "My cat is called Tom."),
        ("My cat is called Tim.", "My dog is called Rex."),
    ]
    assert not any("Tom" in text or "parrot" in text for text in said(llm))


def test_the_first_question_asked_again_is_another_beginning(chat: Chat) -> None:
    complete(chat, "their-talk-2", "My dog is called Rex.")

    again = complete(chat, "their-talk-2", "My dog is called Rex.")

    assert tree(chat, again) == [("My dog is called Rex.", None)] * 2


def test_a_program_that_sends_what_is_new_alone_goes_on(chat: Chat) -> None:
    complete(chat, "their-talk-3", "My dog is called Rex.")
    complete(chat, "their-talk-3", "Go on.")

    last = [complete(chat, "their-talk-3", text) for text in ("Go on.", "My dog is called Rex.")][-1]

    assert tree(chat, last)[-2:] == [("Go on.", "Go on."), ("My dog is called Rex.", "Go on.")]


@pytest.mark.parametrize(
    "history",
    [
        ["My dog is called Rex.", {"role": "assistant", "content": "Something else."}],
        ["Another question", "the answer"],
        ["My dog is called Rex.", {"role": "assistant", "content": [{"type": "text", "text": "Well."}]}],
    ],
)
def test_a_history_that_is_not_known_goes_on_at_the_tip(chat: Chat, history: list[Any]) -> None:
    name = uuid.uuid4().hex
    complete(chat, name, "My dog is called Rex.")
    complete(chat, name, "My cat is called Tom.")

    last = complete(chat, name, *history, "And the parrot?")

    assert tree(chat, last)[-1][1] == "My cat is called Tom."
