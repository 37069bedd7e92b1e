"""Neighbours that are down: turns are answered, say what they had to do without, and nothing is lost meanwhile."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from chassis.testing import eventually
from dev.stack import SERVICES, Stack

from .people import Person, written

SEED = 4


@contextmanager
def down(stack: Stack, *names: str) -> Iterator[None]:
    """Services are gone, as after a crash, and come back."""
    for name in names:
        stack.processes[name].kill()
    try:
        yield
    finally:
        for name in names:
            stack.processes[name].start()
        for name in names:
            stack.processes[name].wait_until_ready()


def test_without_memory_and_analytics_every_turn_is_answered_and_later_both_know_it(
    stack: Stack, newcomer: Callable[[], Person]
) -> None:
    people = [newcomer() for _ in range(10)]
    begun = [person.turn("My boat is called Marguerite.").json()["conversation"]["id"] for person in people]

    def ask(number: int) -> dict[str, Any]:
        body = {"conversation": begun[number], "stream": False}
        return dict(people[number].turn("What is my boat called?", **body).raise_for_status().json())

    with down(stack, "memory", "analytics"), ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(ask, range(10)))

    assert [answer["status"] for answer in answers] == ["completed"] * 10
    assert [answer["memory"]["used"] for answer in answers] == [False] * 10
    assert {answer["memory"]["reason"] for answer in answers} == {"unavailable"}
    assert all("Marguerite" in written(answer) for answer in answers)
    for person, conversation in zip(people, begun, strict=True):
        path = f"/v1/memory/conversations/{conversation}"
        assert eventually(lambda person=person, path=path: person.get(path)["statistics"]["turns"] == 2)
        assert eventually(lambda person=person: person.usage()["calls"] == 2)


def test_with_memory_back_the_next_turn_uses_it(stack: Stack, ada: Person) -> None:
    with down(stack, "memory"):
        conversation = ada.turn("My boat is called Marguerite.").json()["conversation"]["id"]

    answer = eventually(
        lambda: (
            (seen := ada.turn("What is my boat called?", conversation=conversation).json())["memory"]["used"] and seen
        )
    )

    assert "Marguerite" in written(answer)


def test_without_the_model_everything_but_answers_goes_on(stack: Stack, ada: Person) -> None:
    conversation = ada.turn("My boat is called Marguerite.").json()["conversation"]["id"]
    with down(stack, "offline-llm"):
        refused = ada.turn("What is my boat called?", conversation=conversation)
        said = ada.said(conversation)
        models = ada.get("/v1/models")["data"]

    answer = ada.turn("What is my boat called?", conversation=conversation).json()

    assert (refused.status_code, refused.json()["code"]) == (503, "model_unavailable")
    assert said[:2] == [("user", "My boat is called Marguerite."), said[1]]
    assert models
    assert "Marguerite" in written(answer)


def test_services_start_in_any_order(stack: Stack, ada: Person) -> None:
    """Each is ready before the next one is there, so none can need another to begin."""
    names = [part.name for part in SERVICES]
    random.Random(SEED).shuffle(names)
    names.sort(key=lambda name: name == "auth")  # and the one that all ask last of all
    for name in names:
        stack.processes[name].stop()

    for name in names:
        stack.processes[name].start()
        stack.processes[name].wait_until_ready()

    answer = eventually(lambda: (got := ada.turn("My dog is called Rex.")).status_code == 200 and got.json())
    assert "Rex" in written(answer)
    assert answer["memory"]["used"] in (True, False)
