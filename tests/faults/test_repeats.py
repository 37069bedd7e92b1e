"""A request sent several times with one idempotency key: one turn, one call of the model, one charge."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .people import Person, events_of


def sent(person: Person, question: str, key: str) -> str:
    answer = person.post("/v1/responses", {"model": "deepthinks", "input": question}, Idempotency_Key=key)
    return str(answer.raise_for_status().json()["id"])


def streamed(person: Person, question: str, key: str) -> str:
    body = {"model": "deepthinks", "input": question}
    with person.streamed("/v1/responses", body, Idempotency_Key=key) as answer:
        events = list(events_of(answer))
    assert events[-1]["type"] == "response.completed"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return str(events[0]["response"]["id"])


@pytest.mark.parametrize("send", [sent, streamed])
@pytest.mark.parametrize("times", [2, 3, 4, 5])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after another"])
def test_a_repeated_turn_is_one_turn(
    newcomer: Callable[[], Person],
    llm: OfflineLLM,
    send: Callable[[Person, str, str], str],
    times: int,
    at_once: bool,
) -> None:
    person, key = newcomer(), uuid.uuid4().hex
    question = f"My parrot number {key} is called Admiral."

    with ThreadPoolExecutor(times if at_once else 1) as threads:
        names = list(threads.map(lambda _: send(person, question, key), range(times)))

    assert len(set(names)) == 1
    assert len(llm.asked(key)) == 1
    [conversation] = person.get("/v1/conversations")["data"]
    assert [role for role, _ in person.said(conversation["id"])] == ["user", "assistant"]
    assert eventually(lambda: person.usage()["calls"]) == 1


def test_a_key_is_its_owners(newcomer: Callable[[], Person]) -> None:
    ada, eve, key = newcomer(), newcomer(), uuid.uuid4().hex

    mine, theirs = (sent(person, "I keep bees.", key) for person in (ada, eve))

    assert mine != theirs


def test_a_key_with_another_request_is_refused(ada: Person) -> None:
    key = uuid.uuid4().hex
    sent(ada, "I keep bees.", key)

    answer = ada.post("/v1/responses", {"model": "deepthinks", "input": "I keep wasps."}, Idempotency_Key=key)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
