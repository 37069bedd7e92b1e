"""Chat Completions with the official SDK for Python."""

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .pictures import png
from .somebody import Somebody

LIGHTHOUSE = [
    {"role": "system", "content": "You keep a lighthouse."},
    {"role": "user", "content": "The password of the lighthouse is Fresnel."},
    {"role": "assistant", "content": "Noted."},
    {"role": "user", "content": "What is the password of the lighthouse?"},
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASKED_FOR_WEATHER = {"role": "user", "content": "What is the weather in Lisbon?"}


def said(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_an_answer_comes_whole_and_is_counted(somebody: Somebody) -> None:
    answer = somebody.sdk.chat.completions.create(model="deepthinks", messages=LIGHTHOUSE)

    assert "Fresnel" in (answer.choices[0].message.content or "")
    assert (answer.choices[0].message.role, answer.choices[0].finish_reason) == ("assistant", "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream_says_the_same_and_ends_with_its_usage(somebody: Somebody) -> None:
    whole = somebody.sdk.chat.completions.create(model="deepthinks", messages=LIGHTHOUSE)

    chunks = list(
        somebody.sdk.chat.completions.create(
            model="deepthinks", messages=LIGHTHOUSE, stream=True, stream_options={"include_usage": True}
        )
    )

    assert said(chunks) == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"


def test_without_asking_no_chunk_has_a_usage(somebody: Somebody) -> None:
    chunks = list(somebody.sdk.chat.completions.create(model="deepthinks", messages=LIGHTHOUSE, stream=True))

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_the_stream_helper_puts_the_answer_together(somebody: Somebody) -> None:
    with somebody.sdk.chat.completions.stream(model="deepthinks", messages=LIGHTHOUSE) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]

    message = stream.get_final_completion().choices[0].message
    assert "Fresnel" in "".join(deltas)
    assert message.content == "".join(deltas)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_limit_cut_the_answer(somebody: Somebody, limit: str) -> None:
    answer = somebody.sdk.chat.completions.create(model="deepthinks", messages=LIGHTHOUSE, **{limit: 3})

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_thoughts_come_beside_the_text(somebody: Somebody) -> None:
    answer = somebody.sdk.chat.completions.create(model="deepthinks-reason", messages=LIGHTHOUSE)

    message = answer.choices[0].message.to_dict()
    assert message["reasoning"] == message["reasoning_content"] != ""
    assert "Fresnel" in str(message["content"])


def test_a_function_is_called_and_its_result_answered_from(somebody: Somebody) -> None:
    asked = somebody.sdk.chat.completions.create(model="deepthinks", messages=[ASKED_FOR_WEATHER], tools=[WEATHER])
    message = asked.choices[0].message
    assert message.tool_calls
    result = {
        "role": "tool",
        "tool_call_id": message.tool_calls[0].id,
        "content": "The weather in Lisbon: 31 degrees, sunny.",
    }

    answer = somebody.sdk.chat.completions.create(
        model="deepthinks",
        messages=[ASKED_FOR_WEATHER, message.to_dict(), result],
        tools=[WEATHER],
    )

    assert asked.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls[0].function.name == "get_weather"
    assert "city" in json.loads(message.tool_calls[0].function.arguments)
    assert "31 degrees" in (answer.choices[0].message.content or "")


def test_a_streamed_function_call_is_whole_in_the_end(somebody: Somebody) -> None:
    with somebody.sdk.chat.completions.stream(
        model="deepthinks", messages=[ASKED_FOR_WEATHER], tools=[WEATHER], tool_choice="required"
    ) as stream:
        names = [event.name for event in stream if event.type == "tool_calls.function.arguments.done"]

    [call] = stream.get_final_completion().choices[0].message.tool_calls or []
    assert names == [call.function.name] == ["get_weather"]
    assert "city" in json.loads(call.function.arguments)


class Keeper(BaseModel):
    name: str
    island: str


def test_an_answer_is_parsed_by_the_schema_that_was_asked_for(somebody: Somebody) -> None:
    messages = [{"role": "user", "content": "The keeper is called Ingrid and lives on the island of Runde."}]

    answer = somebody.sdk.chat.completions.parse(model="deepthinks", messages=messages, response_format=Keeper)

    assert isinstance(answer.choices[0].message.parsed, Keeper)


def test_an_image_is_seen_by_a_model_with_eyes(somebody: Somebody) -> None:
    content = [
        {"type": "text", "text": "What colour is this image?"},
        {"type": "image_url", "image_url": {"url": png("red"), "detail": "low"}},
    ]

    answer = somebody.sdk.chat.completions.create(model="deepthinks", messages=[{"role": "user", "content": content}])

    assert "12 x 8 pixels, mostly red" in (answer.choices[0].message.content or "")


def test_closing_a_stream_stops_the_model(somebody: Somebody, offline: OfflineLLM) -> None:
    offline.fail("Count the waves", content="wave " * 500, tokens_per_second=100)
    stream = somebody.sdk.chat.completions.create(
        model="deepthinks", messages=[{"role": "user", "content": "Count the waves."}], stream=True
    )
    next(iter(stream))

    stream.close()

    eventually(lambda: offline.open_streams() == 0)
    [call] = offline.asked("Count the waves")
    assert call["disconnected"]


async def test_the_asynchronous_client_streams_several_at_once(somebody: Somebody) -> None:
    async with openai.AsyncOpenAI(base_url=f"{somebody.url}/v1", api_key=somebody.key) as sdk:

        async def ask(number: int) -> str:
            messages = [{"role": "user", "content": f"My boat number {number} is called Petrel{number}."}]
            stream = await sdk.chat.completions.create(model="deepthinks", messages=messages, stream=True)
            return said([chunk async for chunk in stream])

        answers = await asyncio.gather(*(ask(number) for number in range(8)))

    assert all(f"Petrel{number}" in answer for number, answer in enumerate(answers))


def test_a_conversation_header_makes_a_completion_a_stored_turn(somebody: Somebody) -> None:
    with_header = {"x-conversation-id": "a-front-ends-own-name-for-it"}
    first = {"role": "user", "content": "My cello is called Ottavia."}
    raw = somebody.sdk.chat.completions.with_raw_response.create(
        model="deepthinks", messages=[first], extra_headers=with_header
    )
    conversation = raw.headers["x-conversation-id"]
    answered = raw.parse().choices[0].message.to_dict()

    again = somebody.sdk.chat.completions.create(
        model="deepthinks",
        messages=[first, answered, {"role": "user", "content": "What is my cello called?"}],
        extra_headers=with_header,
    )

    items = somebody.sdk.conversations.items.list(conversation, order="asc").data
    assert conversation.startswith("conv_")
    assert [item.role for item in items] == ["user", "assistant", "user", "assistant"]
    assert "Ottavia" in (again.choices[0].message.content or "")
    assert items[-1].content[0].text == again.choices[0].message.content
