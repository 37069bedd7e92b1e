"""What a model thought, and what it said: the client parts them wherever they stand."""

from dataclasses import replace
from typing import Any

import pytest

from chat_service.clients.model import ModelChunk, ModelUsage

from .scripts import CALL, STOP, model_at, read, refusal, said, streams


async def thoughts_and_words(provider: Any, *texts: str, **call: Any) -> list[tuple[str, str]]:
    """What comes of an answer that has these texts as its content."""
    provider.plays(streams(*map(said, texts), STOP))
    async with model_at(provider.url) as model:
        *chunks, last = await read(model, replace(CALL, **call))
    assert last == ModelChunk(finish_reason="stop", usage=ModelUsage(7, 2))
    return [(chunk.reasoning, chunk.text) for chunk in chunks]


async def test_thoughts_in_the_text_are_kept_apart_too(provider: Any) -> None:
    heard = await thoughts_and_words(provider, "<thi", "nk>Hm.", " Well.</th", "ink>\n", "\nHello", " <think>")

    assert heard == [("Hm.", ""), (" Well.", ""), ("", "Hello"), ("", " <think>")]


async def test_where_the_first_tag_is_missing_an_answer_begins_with_thoughts(provider: Any) -> None:
    heard = await thoughts_and_words(provider, "Hm.", "</think>Hello", thinking="implicit")

    assert heard == [("Hm.", ""), ("", "Hello")]


async def test_what_was_no_tag_after_all_is_said_in_the_end(provider: Any) -> None:
    assert await thoughts_and_words(provider, "<thi") == [("", "<thi")]


async def test_a_model_with_thoughts_in_a_field_may_talk_of_tags(provider: Any) -> None:
    provider.plays(streams({"choices": [{"delta": {"reasoning": "Hm."}}]}, said("<think> is a tag"), STOP))

    async with model_at(provider.url) as model:
        chunks = await read(model, replace(CALL, thinking="implicit"))

    assert chunks[:2] == [ModelChunk(reasoning="Hm."), ModelChunk("<think> is a tag")]


@pytest.mark.parametrize("thought", [said("<think>Hm.</think>"), {"choices": [{"delta": {"reasoning": "Hm."}}]}])
async def test_nothing_but_thoughts_is_an_empty_answer_that_keeps_them(provider: Any, thought: Any) -> None:
    provider.plays(streams(thought, STOP))

    async with model_at(provider.url) as model:
        stream = model.stream(CALL)
        chunks = [await anext(stream), await anext(stream)]
        problem = await refusal(anext(stream))

    assert chunks == [ModelChunk(reasoning="Hm."), ModelChunk(usage=ModelUsage(7, 2))]
    assert problem.code == "model_answer_empty"


async def test_thoughts_cut_short_are_an_answer_cut_short(provider: Any) -> None:
    provider.plays(streams(said("<think>Hm."), {"choices": [{"delta": {}, "finish_reason": "length"}]}))

    async with model_at(provider.url) as model:
        chunks = await read(model)

    assert chunks == [ModelChunk(reasoning="Hm."), ModelChunk(finish_reason="length")]
