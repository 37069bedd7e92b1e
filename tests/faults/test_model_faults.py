"""Every fault of the model, at each phase, in each way of asking: it ends in the right words, in time, and is billed.

All of them run at once, each by a person of its own; a test looks at the end of one.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .asking import (
    WAYS,
    End,
    Way,
    background_response,
    streamed_response,
    whole_completion,
)
from .people import Person


@dataclass(frozen=True)
class Trouble:
    """A fault, and what becomes of it: in words of ours, with or without some text, after how many calls."""

    name: str
    fault: dict[str, Any]
    code: str | None
    status: int = 200
    begun: bool = False
    calls: int = 1


LONG = "A long answer about the sea and everything that lives in it, word after word. " * 4
BEFORE = [
    Trouble("the key is refused", {"status": 401}, "model_credentials_rejected", 502),
    Trouble("the credit is used up", {"status": 402}, "model_credentials_rejected", 502),
    Trouble("it is forbidden", {"status": 403}, "model_credentials_rejected", 502),
    Trouble("there is too much", {"status": 429, "retry_after": 0}, "model_rate_limited", 429, calls=3),
    Trouble("there is too much for long", {"status": 429, "retry_after": 60}, "model_rate_limited", 429),
    Trouble("it is broken", {"status": 500}, "model_unavailable", 503, calls=3),
    Trouble("it is overloaded", {"status": 503}, "model_unavailable", 503, calls=3),
    Trouble("there are no headers", {"hang_before_headers": True}, "model_timeout", 504),
    Trouble("there is never a word", {"hang_after_chunks": 0}, "model_timeout", 504),
    Trouble("it is cut before a word", {"cut_after_chunks": 0}, "model_answer_garbled", 502),
    Trouble("it is garbage from the start", {"garbage_after_chunks": 0}, "model_answer_garbled", 502),
    Trouble("it says nothing", {"empty_answer": True}, "model_answer_empty", 502),
    Trouble("a page comes instead", {"content_type": "text/html"}, "model_answer_garbled", 502),
    Trouble("an error comes instead", {"error_after_chunks": 0}, "model_unavailable", 503, calls=3),
]
AFTER = [
    Trouble("it falls silent", {"content": LONG, "hang_after_chunks": 5}, "model_timeout", 504, begun=True),
    Trouble("it is cut", {"content": LONG, "cut_after_chunks": 5}, "model_answer_garbled", 502, begun=True),
    Trouble("it turns bad", {"content": LONG, "garbage_after_chunks": 5}, "model_answer_garbled", 502, begun=True),
    Trouble("it gives up", {"content": LONG, "error_after_chunks": 5}, "model_unavailable", 503, begun=True),
]
NONE = [
    Trouble("it is slow to begin", {"before_first_token_seconds": 1.0}, None, begun=True),
    Trouble("it is slow all along", {"content": "One two three four.", "tokens_per_second": 8}, None, begun=True),
]
TROUBLES = [*BEFORE, *AFTER, *NONE]
CASES = [(each, way) for each in TROUBLES for way in WAYS]


def question(each: Trouble, way: Way) -> str:
    return f"What if {each.name} in a {way.__name__}?"


@dataclass(frozen=True)
class Case:
    """One person's question, asked and on its way."""

    person: Person
    end: Future[End]


@pytest.fixture(scope="module")
def cases(llm: OfflineLLM, newcomer: Callable[[], Person]) -> Iterator[dict[str, Case]]:
    """All questions, asked at the same time."""
    questions = {question(each, way): (each, way) for each, way in CASES}
    for text, (each, _) in questions.items():
        llm.fail(text, **each.fault)
    people = {text: newcomer() for text in questions}
    with ThreadPoolExecutor(len(questions)) as threads:
        yield {
            text: Case(people[text], threads.submit(way, people[text], text)) for text, (_, way) in questions.items()
        }
    llm.behave()


@pytest.fixture(scope="module")
def bills(cases: dict[str, Case]) -> dict[str, dict[str, int]]:
    """What each person used, once all has been told, or should have been."""
    for case in cases.values():
        case.end.exception()
    with suppress(AssertionError):
        eventually(lambda: all(case.person.usage()["calls"] for case in cases.values()))
    return {text: case.person.usage() for text, case in cases.items()}


EACH_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
EACH_TROUBLE = pytest.mark.parametrize("each", TROUBLES, ids=lambda each: each.name)


@EACH_WAY
@EACH_TROUBLE
def test_it_ends_in_the_right_words_and_in_time(
    each: Trouble, way: Way, cases: dict[str, Case], llm: OfflineLLM
) -> None:
    text = question(each, way)

    end = cases[text].end.result()

    assert end.code == each.code
    assert bool(end.text) == (each.begun and keeps(each, way))
    assert end.status == (each.status if tells_by_status(each, way) else 200)
    assert len(llm.asked(text)) == each.calls
    if tells_by_status(each, way) and each.fault.get("retry_after"):
        assert end.retry_after == str(each.fault["retry_after"])


@EACH_WAY
@EACH_TROUBLE
def test_it_is_billed_once_and_for_what_there_was(each: Trouble, way: Way, bills: dict[str, dict[str, int]]) -> None:
    bill = bills[question(each, way)]

    assert bill["calls"] == 1
    assert (bill["output_tokens"] > 0) == each.begun
    assert (bill["input_tokens"] > 0) == (each.begun or "empty_answer" in each.fault)


def test_nothing_runs_on_when_all_is_over(cases: dict[str, Case], llm: OfflineLLM) -> None:
    for case in cases.values():
        case.end.exception()

    eventually(lambda: llm.open_streams() == 0)


def keeps(each: Trouble, way: Way) -> bool:
    """Whether the text so far can still be had: only of a whole completion that failed nothing is left."""
    return each.code is None or way is not whole_completion


def tells_by_status(each: Trouble, way: Way) -> bool:
    """Whether whoever asks is told by the status: not once there are words that can be told along with it."""
    if way in (streamed_response, background_response):
        return False
    return not each.begun or way is whole_completion
