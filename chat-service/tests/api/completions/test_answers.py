"""Answers through OpenAI's own client and over plain HTTP, when all goes well."""

import json
from typing import Any

import httpx
import openai
import pytest

QUESTION: list[Any] = [
    {"role": "system", "content": "The meeting is on Tuesday at noon in Lisbon."},
    {"role": "user", "content": "When is the meeting?"},
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def events_of(answer: httpx.Response) -> list[str]:
    assert answer.text.endswith("\n\n")
    return answer.text.removesuffix("\n\n").split("\n\n")


def test_the_sdk_gets_a_whole_answer(chat: Any) -> None:
    completion = chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION)

    assert completion.object == "chat.completion"
    assert completion.model == "deepthinks"
    assert "Tuesday" in completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_the_sdk_gets_the_same_answer_as_a_stream(chat: Any) -> None:
    whole = chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION)

    chunks = list(chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert len(chunks) > 2
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", *[None] * (len(chunks) - 1)]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [*[None] * (len(chunks) - 1), "stop"]


def test_a_stream_is_written_as_clients_need_it(chat: Any) -> None:
    body = {"model": "deepthinks", "messages": QUESTION, "stream": True}

    answer = chat.http().post("/v1/chat/completions", json=body, headers={"x-request-id": "request-0001"})

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"] == "request-0001"
    *events, done = events_of(answer)
    assert done == "data: [DONE]"
    for event in events:
        chunk = json.loads(event.removeprefix("data: "))
        assert chunk.keys() == {"id", "object", "created", "model", "choices"}
        assert chunk["object"] == "chat.completion.chunk"
        assert [choice["index"] for choice in chunk["choices"]] == [0]


def test_usage_comes_on_a_last_chunk_without_choices_when_asked_for(chat: Any) -> None:
    *chunks, last = chat.sdk().chat.completions.create(
        model="deepthinks", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )

    assert last.choices == []
    assert last.usage.completion_tokens > 0
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks)


def test_usage_is_estimated_where_the_provider_gives_none(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"omit_usage": True}})

    *_, last = chat.sdk().chat.completions.create(
        model="deepthinks", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )

    assert last.usage.prompt_tokens > 10
    assert last.usage.completion_tokens > 3
    assert chat.recorded[0].source == "estimated"
    assert chat.recorded[0].output_tokens == last.usage.completion_tokens


def test_eos_reads_as_stop(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"finish_reason": "eos"}})

    *_, last = chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION, stream=True)

    assert last.choices[0].finish_reason == "stop"


def test_a_tool_is_called_and_its_result_is_answered(chat: Any) -> None:
    sdk = chat.sdk()
    messages: list[Any] = [{"role": "user", "content": "What is the weather in the city of Porto?"}]

    asked = sdk.chat.completions.create(model="deepthinks", messages=messages, tools=[WEATHER])
    message = asked.choices[0].message
    messages += [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Porto weather: rain."}]
    told = sdk.chat.completions.create(model="deepthinks", messages=messages, tools=[WEATHER])

    assert asked.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    assert message.tool_calls[0].function.name == "get_weather"
    assert "city" in json.loads(message.tool_calls[0].function.arguments)
    assert "rain" in told.choices[0].message.content


def test_a_streamed_tool_call_can_be_put_together_again(chat: Any) -> None:
    question: Any = [{"role": "user", "content": "What is the weather in the city of Porto?"}]

    with chat.sdk().chat.completions.stream(model="deepthinks", messages=question, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()

    call = final.choices[0].message.tool_calls[0]
    assert final.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)


def test_thoughts_come_under_both_names_and_apart_from_the_answer(chat: Any) -> None:
    model = "Qwen/Qwen3-235B-A22B-Thinking-2507"

    chunks = list(chat.sdk().chat.completions.create(model=model, messages=QUESTION, stream=True))
    whole = chat.sdk().chat.completions.create(model=model, messages=QUESTION)

    thoughts = [chunk.choices[0].delta.model_extra.get("reasoning") for chunk in chunks]
    copies = [chunk.choices[0].delta.model_extra.get("reasoning_content") for chunk in chunks]
    message = whole.choices[0].message
    assert any(thoughts)
    assert thoughts == copies
    assert (
        message.model_extra["reasoning"] == message.model_extra["reasoning_content"] == "".join(filter(None, thoughts))
    )
    assert message.model_extra["reasoning"] not in message.content


def test_an_answer_of_ours_can_be_sent_back_as_it_came(chat: Any, llm: Any) -> None:
    sdk = chat.sdk()
    model = "Qwen/Qwen3-235B-A22B-Thinking-2507"
    first = sdk.chat.completions.create(model=model, messages=QUESTION).choices[0].message

    sdk.chat.completions.create(model=model, messages=[*QUESTION, first, {"role": "user", "content": "Where?"}])

    sent = llm.requests()[-1]["body"]["messages"][2]
    assert sent == {"role": "assistant", "content": first.content}


def test_an_answer_in_a_json_schema_is_one(chat: Any) -> None:
    schema = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}

    completion = chat.sdk().chat.completions.create(
        model="deepthinks",
        messages=QUESTION,
        response_format={"type": "json_schema", "json_schema": {"name": "meeting", "schema": schema}},
    )

    assert json.loads(completion.choices[0].message.content).keys() == {"day"}


def test_an_image_reaches_a_model_that_sees(chat: Any, llm: Any) -> None:
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]

    completion = chat.sdk().chat.completions.create(
        model="Qwen/Qwen2.5-VL-72B-Instruct", messages=[{"role": "user", "content": content}]
    )

    assert completion.choices[0].message.content
    assert llm.requests()[-1]["body"]["messages"][0]["content"] == content


def test_the_provider_is_sent_what_it_understands(chat: Any, llm: Any) -> None:
    body = {
        "model": "deepthinks",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
            {"role": "user", "content": "Hello", "name": "ada"},
        ],
        "max_completion_tokens": 50,
        "stop": "END",
        "seed": 7,
        "presence_penalty": 0.5,
        "reasoning_effort": "minimal",
        "user": "ignored",
        "metadata": {"ignored": "yes"},
        "n": 1,
        "store": False,
        "top_p": None,
    }

    chat.http().post("/v1/chat/completions", json=body).raise_for_status()

    assert llm.requests()[-1]["body"] == {
        "model": "Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
        "messages": [
            {"role": "system", "content": "Be\nbrief."},
            {"role": "user", "content": "Hello", "name": "ada"},
        ],
        "max_tokens": 50,
        "temperature": 0.7,
        "presence_penalty": 0.5,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
        "stream": True,
    }


def test_output_is_capped_whatever_was_asked_for(start: Any, llm: Any) -> None:
    chat = start(max_output_tokens=4)

    completion = chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION, max_tokens=100_000)

    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 4
    assert llm.requests()[-1]["body"]["max_tokens"] == 4
    assert chat.recorded[0].outcome == "incomplete"


def test_a_guest_may_ask(chat: Any) -> None:
    body = {"model": "deepthinks", "messages": QUESTION}

    answer = chat.http(user_id="guest_1", role="guest").post("/v1/chat/completions", json=body)

    assert answer.status_code == 200


def test_a_call_is_recorded_once_with_what_it_cost(chat: Any) -> None:
    completion = chat.sdk().chat.completions.create(model="deepthinks", messages=QUESTION)

    (record,) = chat.recorded
    assert record.call_id == completion.id
    assert (record.owner, record.purpose, record.key_id) == ("user_1", "completion", None)
    assert (record.mode, record.model) == ("deepthinks", "Qwen/Qwen3-235B-A22B-Instruct-2507-tput")
    assert (record.outcome, record.source) == ("completed", "provider")
    assert record.input_tokens == completion.usage.prompt_tokens
    assert record.output_tokens == completion.usage.completion_tokens
    assert 0 <= record.first_token_ms <= record.latency_ms
    assert record.created_at == completion.created


def test_an_api_key_is_billed_by_its_name(chat: Any) -> None:
    body = {"model": "Qwen/Qwen3-235B-A22B-Instruct-2507-tput", "messages": QUESTION, "stream": True}

    chat.http(key="key_7").post("/v1/chat/completions", json=body).raise_for_status()

    assert (chat.recorded[0].key_id, chat.recorded[0].mode) == ("key_7", None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_is_not_signed_in_gets_nowhere(chat: Any, llm: Any, stream: bool) -> None:
    sdk = openai.OpenAI(base_url=f"{chat.url}/v1", api_key="not-a-token", max_retries=0)

    with pytest.raises(openai.AuthenticationError) as caught:
        sdk.chat.completions.create(model="deepthinks", messages=QUESTION, stream=stream)

    assert caught.value.code == "invalid_token"
    assert llm.requests() == []
