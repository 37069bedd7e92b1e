"""Every way to ask the model for something, and how each of them tells the end of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.testing import eventually

from .people import Event, Person, data_of, events_of, text_of, written


@dataclass(frozen=True)
class End:
    """How it ended for whoever asked: `code` is None for an answer, `text` what there is of one."""

    code: str | None
    text: str
    status: int
    retry_after: str | None = None


Way = Callable[[Person, str], End]


def streamed_response(person: Person, question: str) -> End:
    with person.streamed_turn(question) as answer:
        events = list(events_of(answer))
    last = events[-1]["response"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == f"response.{last['status']}"
    assert person.response(last["id"]) == last
    assert written(last) == text_of(events)
    return End(_code(last), text_of(events), answer.status_code)


def whole_response(person: Person, question: str) -> End:
    """A problem when nothing was said, otherwise the response with its error and what was said."""
    answer = person.turn(question)
    document = answer.json()
    [node] = person.get(f"/v1/conversations/{answer.headers['x-conversation-id']}/responses")["data"]
    stored = person.response(node["id"])
    if answer.status_code == 200:
        assert stored == document
        return End(_code(stored), written(stored), 200)
    assert stored["error"]["code"] == document["error"]["code"]
    assert written(stored) == ""
    return _refused(answer)


def background_response(person: Person, question: str) -> End:
    begun = person.turn(question, background=True).json()
    assert begun["status"] == "in_progress"
    stored = eventually(lambda: (seen := person.response(begun["id"]))["status"] != "in_progress" and seen, 30.0)
    return End(_code(stored), written(stored), 200)


def streamed_completion(person: Person, question: str) -> End:
    with person.streamed("/v1/chat/completions", _completion(question)) as answer:
        if answer.status_code != 200:
            answer.read()
            return _refused(answer)
        lines = list(data_of(answer))
    chunks = [json.loads(line) for line in lines if line != "[DONE]"]
    texts = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", [])]
    code = chunks[-1]["error"]["code"] if "error" in chunks[-1] else None
    assert (lines[-1] == "[DONE]") == (code is None)
    return End(code, "".join(texts), answer.status_code)


def whole_completion(person: Person, question: str) -> End:
    answer = person.post("/v1/chat/completions", _completion(question))
    if answer.status_code != 200:
        return _refused(answer)
    return End(None, answer.json()["choices"][0]["message"]["content"], 200)


WAYS: tuple[Way, ...] = (
    streamed_response,
    whole_response,
    background_response,
    streamed_completion,
    whole_completion,
)


def _completion(question: str) -> dict[str, Any]:
    return {"model": "deepthinks", "messages": [{"role": "user", "content": question}]}


def _refused(answer: Any) -> End:
    error = answer.json()["error"]
    return End(error["code"], "", answer.status_code, answer.headers.get("retry-after"))


def _code(response: Event) -> str | None:
    assert response["status"] == ("failed" if response["error"] else "completed")
    return response["error"]["code"] if response["error"] else None
