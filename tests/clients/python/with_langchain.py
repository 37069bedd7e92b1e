"""LangChain's client for OpenAI, by Chat Completions and by Responses."""

import asyncio
import os

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

SETTING = {"base_url": os.environ["DEEPTHINKS_URL"], "api_key": os.environ["DEEPTHINKS_KEY"]}
WAYS = pytest.mark.parametrize("responses", [False, True], ids=["completions", "responses"])
LIGHTHOUSE = [
    SystemMessage("You keep a lighthouse."),
    HumanMessage("The password of the lighthouse is Fresnel."),
    AIMessage("Noted."),
    HumanMessage("What is the password of the lighthouse?"),
]


def chat(responses: bool, **options: object) -> ChatOpenAI:
    return ChatOpenAI(model="deepthinks", use_responses_api=responses, **SETTING, **options)


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"The weather in {city}: 31 degrees, sunny."


@WAYS
def test_an_answer_comes_whole_and_is_counted(responses: bool) -> None:
    answer = chat(responses).invoke(LIGHTHOUSE)

    assert "Fresnel" in answer.text
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


@WAYS
def test_a_stream_adds_up_to_the_answer(responses: bool) -> None:
    whole = chat(responses).invoke(LIGHTHOUSE)

    chunks = list(chat(responses, stream_usage=True).stream(LIGHTHOUSE))

    streamed = chunks[0]
    for chunk in chunks[1:]:
        streamed += chunk
    assert streamed.text == whole.text
    assert streamed.usage_metadata == whole.usage_metadata
    assert len(chunks) > 2


@WAYS
def test_a_tool_is_called_and_answered_from(responses: bool) -> None:
    model = chat(responses).bind_tools([get_weather])
    asked = HumanMessage("What is the weather in Lisbon?")
    call = model.invoke([asked])

    results = [ToolMessage(get_weather.invoke(each["args"]), tool_call_id=each["id"]) for each in call.tool_calls]
    answer = model.invoke([asked, call, *results])

    assert [each["name"] for each in call.tool_calls] == ["get_weather"]
    assert "31 degrees" in answer.text


class Keeper(BaseModel):
    """Who keeps the lighthouse."""

    name: str
    island: str


@WAYS
def test_an_answer_has_the_structure_that_was_asked_for(responses: bool) -> None:
    keeper = chat(responses).with_structured_output(Keeper).invoke("The keeper is Ingrid, on the island of Runde.")

    assert isinstance(keeper, Keeper)


@WAYS
def test_an_image_is_seen(responses: bool) -> None:
    image = {"type": "image_url", "image_url": {"url": os.environ["DEEPTHINKS_PICTURE"]}}
    question = {"type": "text", "text": "What colour is this image?"}

    answer = chat(responses).invoke([HumanMessage(content=[question, image])])

    assert "mostly red" in answer.text


def test_several_are_asked_at_once() -> None:
    async def ask() -> list[AIMessage]:
        boats = [f"My boat number {number} is called Petrel{number}." for number in range(5)]
        return await chat(False).abatch(boats)

    answers = asyncio.run(ask())

    assert all(f"Petrel{number}" in answer.text for number, answer in enumerate(answers))


def test_the_conversation_is_kept_by_the_server_when_asked_so() -> None:
    model = chat(True, use_previous_response_id=True)
    first = model.invoke([HumanMessage("My cello is called Ottavia.")])

    answer = model.invoke([first, HumanMessage("What is my cello called?")])

    assert "Ottavia" in answer.text


def test_an_unknown_model_is_the_sdks_own_error() -> None:
    with pytest.raises(openai.NotFoundError, match="no such model"):
        ChatOpenAI(model="no-such/model", **SETTING).invoke("Good morning.")


def test_texts_are_embedded() -> None:
    embedder = OpenAIEmbeddings(model="BAAI/bge-base-en-v1.5", check_embedding_ctx_length=False, **SETTING)

    rows = embedder.embed_documents(["a grey harbour", "a treatise on primes"])

    assert len(rows) == 2
    assert len(rows[0]) == len(embedder.embed_query("a grey harbour"))
