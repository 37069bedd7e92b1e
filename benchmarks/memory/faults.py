"""A summariser that is wrong seven times of eight, then one that is down: what is kept, and what a turn is sent."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.lab import Lab
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Talk
from chassis.tokens import estimate_tokens

SETTINGS = {
    "fold_high_tokens": 1200,
    "fold_low_tokens": 600,
    "summarizer_timeout_seconds": 5,
    "fold_lease_seconds": 6,
    "fold_first_retry_seconds": 0.02,
    "fold_longest_retry_seconds": 0.05,
}
BUDGETS = (600, 2000, 8000)
"""Tokens that a context may have, in turn."""
INVENTED = json.dumps(
    {
        "summary": "The user owns a submarine and keeps it in the harbour of Atlantis.",
        "priority_score": 10,
        "quote": {"turn_id": "resp_0", "text": "I own a submarine."},
        "facts": [
            {
                "text": "The user owns a submarine.",
                "kind": "profile",
                "priority": 10,
                "turn_ids": ["resp_0"],
                "quote": "I own a submarine.",
            }
        ],
    }
)
WRONG: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"bad_json": "truncated"},
    {"content": INVENTED},
    {"cut_after_chunks": 0},
    {"bad_json": "greeting_values"},
    {"status": 429},
    {"empty_answer": True},
)
DOWN = {"match": {}, "fault": {"status": 503}}


@dataclass
class Contexts:
    """What the contexts of a conversation were like, turn by turn."""

    faults: list[str] = field(default_factory=list)
    fullest: float = 0.0
    count: int = 0

    def look_at(self, context: dict[str, Any], budget: int, newest: str) -> None:
        """Counted again here, and searched for what was said last."""
        texts = [message["content"] for message in context["messages"]]
        tokens = max(context["tokens"], sum(map(estimate_tokens, [*texts, context["recall"] or ""])))
        self.count += 1
        self.fullest = max(self.fullest, tokens / budget)
        if tokens > budget:
            self.faults.append(f"context {self.count}: {tokens} tokens of {budget}")
        if not any(newest in text for text in texts):
            self.faults.append(f"context {self.count}: without what was said last")


def mostly_wrong(folder: Path, turns: int) -> tuple[Figure, list[str]]:
    """Seven of eight replies are faulty, each in another way, for as long as it takes."""
    with Lab(folder, **SETTINGS) as lab:
        lab.llm.misbehave(*(_once(fault) for _ in range(turns) for fault in (*WRONG, {})))
        talk, contexts = Talk(), Contexts()
        _talk_on(lab, talk, contexts, turns)
        lab.until_idle()
        faults = [*contexts.faults, *violations(lab, talk), *_unfolded(lab)]
    return _figure("7 of 8 replies of the summariser faulty", turns, contexts, faults), faults


def down(folder: Path, turns: int) -> tuple[Figure, list[str]]:
    """No reply at all while these turns are said; then the summariser is back."""
    with Lab(folder, **SETTINGS) as lab:
        lab.llm.misbehave(DOWN)
        talk, contexts = Talk(), Contexts()
        _talk_on(lab, talk, contexts, turns)
        faults = [*contexts.faults, *violations(lab, talk)]
        lab.llm.behave()
        lab.until_idle()
        faults += [*violations(lab, talk), *_unfolded(lab)]
    return _figure(f"summariser down for {turns} turns", turns, contexts, faults), faults


def _talk_on(lab: Lab, talk: Talk, contexts: Contexts, turns: int) -> None:
    sayings = Sayings("faults")
    for number in range(turns):
        said, answered = sayings.turn()
        lab.deliver(talk.turn(said, answered))
        budget = BUDGETS[number % len(BUDGETS)]
        contexts.look_at(lab.context(talk, sayings.statement(), budget), budget, said)


def _once(fault: dict[str, Any]) -> dict[str, Any]:
    return {"match": {}, "times": 1, "fault": fault}


def _unfolded(lab: Lab) -> Iterable[str]:
    """Once the summariser is back, the short-term memory is within its limit again."""
    with lab.database() as database:
        rows = database.execute(
            "select id, unfolded_tokens from branches where unfolded_tokens > ?", (SETTINGS["fold_high_tokens"],)
        )
        return [f"branch {branch}: {tokens} tokens still unfolded" for branch, tokens in rows]


def _figure(name: str, turns: int, contexts: Contexts, faults: list[str]) -> Figure:
    seen = f"{len(faults)} faults in {turns} turns; fullest context {contexts.fullest:.0%} of its budget"
    return Figure(name, "nothing lost, context ≤ budget", seen, not faults)
