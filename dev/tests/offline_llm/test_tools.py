import json
from typing import Any

import httpx
import jsonschema_rs
import pytest
from together import AsyncTogether

from dev.tests.offline_llm.asking import INSTRUCT, assistant, body, chat, user

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 14},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "days", "unit"],
            "additionalProperties": False,
        },
    },
}
STOCKS: Any = {"type": "function", "function": {"name": "get_stock_price", "description": "A stock's price"}}
QUESTION = user("What is the weather in New York for the next 3 days in fahrenheit?")


async def test_a_question_for_a_tool_becomes_a_call_with_arguments_of_its_schema(http: httpx.AsyncClient) -> None:
    reply = await chat(http, QUESTION, tools=[STOCKS, WEATHER])

    choice = reply["choices"][0]
    call = choice["message"]["tool_calls"][0]
    arguments = json.loads(call["function"]["arguments"])
    assert choice["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "get_weather"
    assert call["id"]
    assert call["type"] == "function"
    assert call["index"] == 0
    assert arguments == {"city": "New York", "days": 3, "unit": "fahrenheit"}
    jsonschema_rs.validate(WEATHER["function"]["parameters"], arguments)


async def test_the_sdk_streams_a_call_piece_by_piece(together: AsyncTogether) -> None:
    stream = await together.chat.completions.create(
        model=INSTRUCT, messages=[QUESTION], tools=[STOCKS, WEATHER], stream=True
    )
    chunks = [chunk async for chunk in stream]

    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    arguments = "".join(call.function.arguments for call in calls)
    assert calls[0].function.name == "get_weather"
    assert {call.index for call in calls} == {0}
    assert json.loads(arguments)["city"] == "New York"
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("question", "choice", "called"),
    [
        ("My dog is called Rex.", "auto", None),
        ("What is the weather in Rome?", "none", None),
        ("My dog is called Rex.", "required", "get_stock_price"),
        ("My dog is called Rex.", {"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
async def test_tool_choice_decides(http: httpx.AsyncClient, question: str, choice: Any, called: str | None) -> None:
    reply = await chat(http, user(question), tools=[STOCKS, WEATHER], tool_choice=choice)

    calls = reply["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == ([called] if called else [])


async def test_a_tool_choice_that_names_no_tool_is_refused(http: httpx.AsyncClient) -> None:
    choice = {"type": "function", "function": {"name": "launch"}}

    reply = await http.post("/v1/chat/completions", json=body(QUESTION, tools=[WEATHER], tool_choice=choice))

    assert reply.status_code == 400


async def test_a_tools_result_is_answered_from(http: httpx.AsyncClient) -> None:
    call = (await chat(http, QUESTION, tools=[WEATHER]))["choices"][0]["message"]
    result = {
        "role": "tool",
        "tool_call_id": call["tool_calls"][0]["id"],
        "content": "Weather in New York: 71 F, sunny.",
    }

    reply = await chat(http, assistant(), QUESTION, call, result, tools=[WEATHER])

    assert reply["choices"][0]["message"]["content"] == "Weather in New York: 71 F, sunny."
