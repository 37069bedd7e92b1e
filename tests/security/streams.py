"""Turns whose answers are known beforehand and come slowly, so that something can happen meanwhile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from dev.stack import Stack

from .people import Person

Event = dict[str, Any]


@contextmanager
def slow_answers(stack: Stack, question: str, *, words: int, words_per_second: int) -> Iterator[str]:
    """Whoever asks `question` gets so many words; yields the answer."""
    answer = " ".join(f"word{number}" for number in range(words))
    rule = {
        "match": {"path": "/v1/chat/completions", "question_contains": question},
        "fault": {"content": answer, "tokens_per_second": words_per_second * 2},  # such a word is about two tokens
    }
    faults = f"http://127.0.0.1:{stack.addresses['offline-llm']}/_offline/faults"
    httpx.post(faults, json=[rule]).raise_for_status()
    yield answer
    httpx.delete(faults)


@contextmanager
def streamed(person: Person, question: str, conversation: str | None = None) -> Iterator[Iterator[Event]]:
    """The events of a new turn, as they come."""
    body = {"model": "deepthinks", "input": question, "stream": True, "conversation": conversation}
    body = {name: value for name, value in body.items() if value is not None}
    with person.http.stream("POST", "/v1/responses", json=body) as answer:
        assert answer.status_code == 200
        yield _events(answer)


def resumed(person: Person, response: str, after: int = -1) -> list[Event]:
    """All events of a turn from there on."""
    query: dict[str, str | int] = {"stream": "true", "starting_after": after}
    with person.http.stream("GET", f"/v1/responses/{response}", params=query) as answer:
        assert answer.status_code == 200
        return list(_events(answer))


def first_words(events: Iterator[Event]) -> list[Event]:
    """Reads on until the answer has begun."""
    seen = []
    for event in events:
        seen.append(event)
        if event["type"] == "response.output_text.delta":
            return seen
    raise AssertionError("it ended without a word")


def text_of(events: list[Event]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def _events(answer: httpx.Response) -> Iterator[Event]:
    for line in answer.iter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
