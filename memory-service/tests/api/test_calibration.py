"""How many tokens the summariser counts is learnt from its replies, and decides how much one fold reads."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chassis.testing import serve
from dev.offline_llm.testing import OfflineLLM
from memory_service.clients.summarizer import Prompt, Summarizer
from memory_service.settings import Settings

from ..conftest import Running, Talk, asked_about, folded, long_text


def of_long_turns() -> tuple[Talk, list[dict[str, Any]]]:
    """A talk of which three turns of about 500 tokens are to be folded, and its events."""
    talk = Talk()
    return talk, [talk.turn(long_text(f"mountain{number}", 240)) for number in range(5)]


def turns_read(model: OfflineLLM, talk: Talk) -> int:
    """How many turns the first fold of a talk read."""
    [message] = [each for each in asked_about(model, talk.turns[0])[0]["messages"] if each["role"] == "user"]
    return sum(turn in message["content"] for turn in talk.turns)


@pytest.mark.parametrize(("times", "expected"), [(1, 3), (2.5, 1)])
def test_a_fold_reads_less_where_the_summariser_counts_more_also_after_a_restart(
    running: Running, model: OfflineLLM, times: float, expected: int
) -> None:
    first, events_of_first = of_long_turns()
    second, events_of_second = of_long_turns()
    model.misbehave({"fault": {"prompt_tokens_times": times}})
    with running(fold_source_tokens=2_000) as memory:
        memory.deliver(*events_of_first)
        memory.eventually(first.id, folded)

    with running(fold_source_tokens=2_000) as memory:
        memory.deliver(*events_of_second)
        memory.eventually(second.id, folded)

    assert turns_read(model, first) == 3
    assert turns_read(model, second) == expected


@pytest.mark.parametrize("changes", [{"omit_usage": True}, {"prompt_tokens_times": 0.0001}])
def test_folds_go_on_where_the_provider_counts_nothing(
    running: Running, model: OfflineLLM, changes: dict[str, Any]
) -> None:
    talk, events = of_long_turns()
    model.misbehave({"fault": changes})

    with running(fold_source_tokens=2_000) as memory:
        memory.deliver(*events)
        shown = memory.eventually(talk.id, folded)

    assert shown["statistics"]["folded_turns"] == 3


@pytest.mark.parametrize("counted", ["many", 2**70, -1, 1.5, None])
async def test_what_is_no_number_of_tokens_is_not_taken_for_one(counted: Any) -> None:
    async def complete(request: Request) -> JSONResponse:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}
        return JSONResponse(
            {"choices": [choice], "usage": {"prompt_tokens": counted, "completion_tokens": 7, "total_tokens": 7}}
        )

    with serve(Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])) as url:
        async with Summarizer(Settings(together_base_url=url)) as summarizer:
            reply = await summarizer.ask(Prompt("Be brief.", "Hello.", {}))

    assert (reply.input_tokens, reply.output_tokens) == (None, 7)


def test_another_summariser_starts_anew(running: Running, model: OfflineLLM) -> None:
    first, events_of_first = of_long_turns()
    second, events_of_second = of_long_turns()
    model.misbehave({"fault": {"prompt_tokens_times": 2.5}})
    with running(fold_source_tokens=2_000) as memory:
        memory.deliver(*events_of_first)
        memory.eventually(first.id, folded)

    with running(fold_source_tokens=2_000, summarizer_model="Qwen/Qwen2.5-VL-72B-Instruct") as memory:
        memory.deliver(*events_of_second)
        memory.eventually(second.id, folded)

    assert turns_read(model, second) == 3
