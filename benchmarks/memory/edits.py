"""A user settles a fact while a fold that says otherwise is on its way: whose word counts?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.lab import Lab
from benchmarks.memory.replies import fold_reply, stated
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Talk

SETTINGS = {
    "short_term_memory_k": 1,
    "summarizer_timeout_seconds": 10,
    "fold_lease_seconds": 12,
    "fold_first_retry_seconds": 0.05,
}
Facts = list[dict[str, Any]]


@dataclass
class Stage:
    """Somebody with one fact that memory found, and what they write in its place."""

    http: httpx.Client
    fact: str
    text: str
    correction: str

    def ask(self, method: str, path: str = "", **body: Any) -> httpx.Response:
        """Of the fact."""
        return self.http.request(method, f"/v1/memory/facts/{self.fact}{path}", json=body or None).raise_for_status()

    def facts(self) -> Facts:
        """All there are, in whatever state."""
        listed = self.http.get("/v1/memory/facts", params={"status": "any"}).raise_for_status().json()
        found: Facts = listed["data"]
        return found

    def is_now(self, **expected: Any) -> bool:
        """Whether the fact is as the user left it."""
        now = self.ask("GET").json()
        return expected.items() <= now.items()


@dataclass(frozen=True)
class Edit:
    """What the user does, and how one can tell that it holds."""

    name: str
    make: Callable[[Stage], object]
    holds: Callable[[Stage], bool]


EDITS = (
    Edit(
        "corrected",
        lambda stage: stage.ask("PATCH", text=stage.correction),
        lambda stage: stage.is_now(text=stage.correction, status="active", edited=True, superseded_by=None),
    ),
    Edit(
        "pinned",
        lambda stage: stage.ask("PATCH", status="pinned"),
        lambda stage: stage.is_now(text=stage.text, status="pinned", superseded_by=None),
    ),
    Edit(
        "forgotten",
        lambda stage: stage.ask("PATCH", status="forgotten"),
        lambda stage: stage.is_now(text=stage.text, status="forgotten") and stage.text not in _in_force(stage),
    ),
    Edit(
        "rejected",
        lambda stage: stage.ask("POST", "/reject"),
        lambda stage: stage.is_now(text=stage.text, status="rejected") and stage.text not in _in_force(stage),
    ),
    Edit(
        "deleted",
        lambda stage: stage.ask("DELETE"),
        lambda stage: stage.text not in {fact["text"] for fact in stage.facts()},
    ),
    Edit(
        "approved and moved up",
        lambda stage: (stage.ask("POST", "/approve"), stage.ask("PATCH", priority=10)),
        lambda stage: stage.is_now(text=stage.text, status="active", priority=10, superseded_by=None),
    ),
)


def edited(folder: Path, times: int) -> tuple[Figure, list[str]]:
    """So many edits, each while a fold is with the model; the row of the table, and which did not survive."""
    sayings, lost = Sayings("edits"), list[str]()
    with Lab(folder, **SETTINGS) as lab:
        for number, edit in enumerate(islice(cycle(EDITS), times)):
            lost += _edit(lab, sayings, edit, Talk(f"user_{number}"))
        faults = [*lost, *violations(lab)]
    survived = times - len({each.partition(":")[0] for each in lost})
    name = "a user's edit while a fold runs survives"
    return Figure(name, f"{times} of {times}", f"{survived} of {times}", not faults), faults


def _edit(lab: Lab, sayings: Sayings, edit: Edit, talk: Talk) -> Iterator[str]:
    """The fold that is on its way says the fact again, and that something else is true instead."""
    fact, otherwise = sayings.statement(), sayings.statement()
    _say(lab, talk, fact, stated(fact))
    lab.until_idle()
    with lab.http(talk.owner) as http:
        [found] = http.get("/v1/memory/facts").raise_for_status().json()["data"]
        stage = Stage(http, found["id"], fact, sayings.statement())
        _say(lab, talk, f"{fact} {otherwise}", stated(fact), stated(otherwise, replaces=("f1",)), held=True)
        lab.until(lab.llm.open_streams, "the fold is with the model")
        edit.make(stage)
        lab.llm.behave()
        lab.until_idle()
        if not edit.holds(stage):
            yield f"{talk.owner}: {edit.name} did not survive: {stage.facts()}"
        if otherwise not in {each["text"] for each in stage.facts()}:
            yield f"{talk.owner}: {edit.name}, and the fold that was on its way is lost"


def _say(lab: Lab, talk: Talk, text: str, *facts: dict[str, Any], held: bool = False) -> None:
    """A turn that is folded at once, with these facts; another one pushes it out of the short-term memory."""
    event = talk.turn(text)
    lab.llm.misbehave(fold_reply(event["data"]["turn_id"], text, *facts, held=held))
    lab.deliver(event, talk.turn("Well, then."))


def _in_force(stage: Stage) -> set[str]:
    listed = stage.http.get("/v1/memory/facts").raise_for_status().json()
    return {fact["text"] for fact in listed["data"]}
