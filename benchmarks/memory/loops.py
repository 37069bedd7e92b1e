"""What memory recalls comes back in the assistant's answers, turn after turn: does any of it become a fact?

The summariser takes everything for a fact, and answers are full of what was recalled, true and twisted.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.greedy import Greedy
from benchmarks.memory.lab import Lab
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Talk
from chassis.testing import serve

SETTINGS = {"short_term_memory_k": 4, "fold_first_retry_seconds": 0.05}
_STATEMENT = re.compile(r"My \w+ \w+ has \d+ \w+ in \w+\.")
_NUMBER = re.compile(r"\b\d+\b")
REPEATED = 8
"""So many recalled statements stand in an answer."""


def looped(folder: Path, turns: int) -> tuple[Figure, list[str]]:
    """So many turns; the row of the table, and each fact that the user never stated."""
    greedy, talk, stated = Greedy(), Talk(), list[str]()
    with serve(greedy.app) as url, Lab(folder, together_base_url=url, **SETTINGS) as lab:
        sayings = Sayings("loops")
        for _ in range(turns):
            stated.append(sayings.statement())
            question = _question(stated[len(stated) // 2])
            recalled = _STATEMENT.findall(_everything(lab.context(talk, question)))[-REPEATED:]
            lab.deliver(talk.turn(f"{stated[-1]} {question}", _answer(recalled or stated[-1:])))
            lab.until_idle()
        with lab.http() as http:
            facts = _all_facts(http)
        faults = violations(lab, talk)
    junk = [f"{fact['status']}: {fact['text']}" for fact in facts if fact["text"] not in stated]
    in_force = [each for each in junk if not each.startswith("proposed")]
    kept = sum(fact["text"] in stated for fact in facts)
    faults += in_force + (["not one fact of the user's own was kept"] if not kept else [])
    rest = f"{len(junk) - len(in_force)} proposed; {kept} facts of the user's own"
    seen = f"{len(in_force)} of {greedy.claims} claims in force ({rest})"
    return Figure(
        f"recalled text re-extracted as a fact, {turns}-turn loop", "0", seen, not faults, "97.8 % junk"
    ), faults


def _question(statement: str) -> str:
    """About something that was stated before, in its words."""
    words = statement.rstrip(".").split()
    return f"What does my {words[1]} {words[2]} have in {words[-1]}?"


def _answer(recalled: list[str]) -> str:
    """What a model makes of its memory: it repeats it, and gets some of it wrong."""
    twisted = [_NUMBER.sub(lambda found: str(int(found[0]) + 100), each) for each in recalled]
    return f"You told me about this before. {' '.join(recalled)} {' '.join(twisted)} They are very proud of it."


def _everything(context: dict[str, Any]) -> str:
    return "\n".join([*(message["content"] for message in context["messages"]), context["recall"] or ""])


def _all_facts(http: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"after": found[-1]["id"]} if found else {}
        page = http.get("/v1/memory/facts", params={"status": "any", "limit": 100, **after}).raise_for_status().json()
        found += page["data"]
        if not page["has_more"]:
            return found
