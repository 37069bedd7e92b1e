"""A user who looks after what is remembered, and what folds make of what the user says."""

import json
from typing import Any

import httpx

from chassis.ids import new_id
from dev.offline_llm.testing import OfflineLLM
from memory_service.long_term import EPISODES_HEADING, FACTS_HEADING

from .conftest import Memory, Talk, folded

FACTS = "/v1/memory/facts"
FACT_STATE = ("text", "kind", "priority", "status", "valid_from", "valid_to", "superseded_by", "edited")


class Curator:
    """Somebody with a memory of their own."""

    def __init__(self, memory: Memory, user_id: str | None = None) -> None:
        self.memory = memory
        self.id = user_id or new_id("user")

    def asks(self, method: str, path: str = "", body: Any = None, *, scope: str | None = None, **query: Any) -> Any:
        """A request about facts, as it is answered."""
        claims = {"scope": scope} if scope else {}
        headers = self.memory.auth.headers(self.id, **claims)
        return self.memory.http.request(method, FACTS + path, json=body, params=query, headers=headers)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        return _good(self.asks("GET", **query))["data"]

    def texts(self, **query: Any) -> list[str]:
        return [fact["text"] for fact in self.listed(**query)]

    def find(self, fact: Any) -> Any:
        return _good(self.asks("GET", f"/{fact['id']}"))

    def writes(self, text: str, **more: Any) -> Any:
        return _good(self.asks("POST", body={"text": text, **more}))

    def changes(self, fact: Any, **changes: Any) -> Any:
        return _good(self.asks("PATCH", f"/{fact['id']}", body=changes))

    def does(self, act: str, fact: Any, **body: Any) -> Any:
        """Approves, rejects, or takes back the newest change."""
        return _good(self.asks("POST", f"/{fact['id']}/{act}", body=body or None))

    def deletes(self, fact: Any) -> Any:
        return _good(self.asks("DELETE", f"/{fact['id']}"))

    def history(self, fact: Any) -> list[dict[str, Any]]:
        return _good(self.asks("GET", f"/{fact['id']}/history"))["data"]

    def happened(self, fact: Any) -> list[str]:
        """The names of its changes, newest first."""
        return [each["change"] for each in self.history(fact)]

    def sources(self, fact: Any, **query: Any) -> list[dict[str, Any]]:
        return _good(self.asks("GET", f"/{fact['id']}/sources", **query))["data"]

    def says(self, model: OfflineLLM, said: str, text: str | None = None, **more: Any) -> Talk:
        """Says it in a talk that is folded at once, to the fact `text` (or the words themselves)."""
        talk = Talk(self.id)
        events = [talk.turn(said), *(talk.turn(f"Go on with number {n}.") for n in range(4))]
        model.misbehave(folds_to(talk, said, text or said, **more))
        self.memory.deliver(*events)
        self.memory.eventually(talk.id, folded, self.id)
        return talk

    def learned(self, model: OfflineLLM, said: str, text: str | None = None, **more: Any) -> Any:
        """The fact that a fold made of what was said."""
        (fact,) = self.listed(status="any", conversation=self.says(model, said, text, **more).id)
        return fact

    def known(self, talk: Talk | None = None) -> list[str]:
        """What the model is told about the user in the next turn of a talk, or in the first of a new one."""
        talk = talk or Talk(self.id)
        context = self.memory.context(talk.id, talk.turns[::-1], owner=self.id)
        told = "".join(message["content"] for message in context["messages"] if message["role"] == "system")
        facts = told.partition(FACTS_HEADING)[2].partition(EPISODES_HEADING)[0]
        return [line.removeprefix("- ") for line in facts.splitlines() if line.startswith("- ")]


def folds_to(talk: Talk, said: str, text: str, *, turn: str | None = None, **more: Any) -> dict[str, Any]:
    """A fault rule: the fold of that turn, the talk's first, finds this fact in it."""
    first = turn or talk.turns[0]
    fact = {"text": text, "kind": "profile", "priority": 7, "turn_ids": [first], "quote": said, **more}
    reply = {"summary": said, "priority_score": 7, "quote": {"turn_id": first, "text": said}, "facts": [fact]}
    return {"match": {"text_contains": first}, "times": 1, "fault": {"content": json.dumps(reply)}}


def state(fact: Any) -> dict[str, Any]:
    """What undoing brings back."""
    return {name: fact[name] for name in FACT_STATE}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _good(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
