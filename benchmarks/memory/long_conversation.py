"""One conversation of thousands of turns, folded as it goes: does the prompt stay bounded, flat and mostly the same?

Each turn is told and asked for as chat does it, and folds may finish in between, as they do while people type.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import apsw

from benchmarks.asking import Line, percentile
from benchmarks.memory.figures import Figure, at_least, at_most
from benchmarks.memory.lab import Lab
from benchmarks.memory.searching import BUDGET
from benchmarks.memory.talks import START, Event, Talk
from benchmarks.memory.wording import OCCASIONAL, Wording
from benchmarks.streaming import post
from chassis.events import EVENTS_PATH
from chassis.tokens import estimate_tokens
from chat_service.model_files import read_models
from chat_service.models import DEFAULT_MODE
from chat_service.prompts import system_prompt

TURNS = 10_000
MESSAGE_TOKENS = 4
TIGHT_BUDGETS = (400, 1_000, 2_500)
TIGHT_EVERY = 25
STATES_A_FACT = 0.15
"""Share of turns in which the user says something lasting of themselves."""

MODE_PROMPT = system_prompt(
    read_models(None).modes[DEFAULT_MODE], now=datetime.fromtimestamp(START, UTC), name=None, persona=None
)
MOST_GROWTH = 1.05
MOST_REWRITES = 8
LEAST_PREFIX = 0.60
MOST_APPEND_MILLISECONDS = 20.0


@dataclass
class Course:
    """What was seen, turn by turn."""

    append_seconds: list[float] = field(default_factory=list)
    prompt_tokens: list[int] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)
    """Share of each prompt's characters that the one before had too, from the start."""

    over_budget: int = 0
    asked: int = 0
    summarised: list[tuple[int, int]] = field(default_factory=list)
    """Turns told so far, and tokens that the summariser has read and written by then."""


def measure(scale: float) -> Iterator[Figure]:
    """Leads the conversation and looks at what came of it."""
    turns = max(200, round(TURNS * scale))
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        course, talk = Course(), Talk()
        _lead(lab, talk, turns, course)
        with lab.database() as database:
            yield from _figures(course, turns, database)


def _lead(lab: Lab, talk: Talk, turns: int, course: Course) -> None:
    """Tells so many turns, and asks for a context before each."""
    wording, before = Wording("the long conversation"), ""
    with Line(lab.port) as line, lab.database() as database:
        for number in range(turns):
            said = _said(wording, number)
            context = lab.context(talk, said, BUDGET)
            prompt = _prompt(context, said)
            course.prompt_tokens.append(_tokens(context))
            course.unchanged.append(_share(before, prompt))
            _check(course, context, BUDGET)
            before = prompt
            if number % TIGHT_EVERY == 0:
                for budget in TIGHT_BUDGETS:
                    _check(course, lab.context(talk, said, budget), budget)
            event = talk.turn(said, wording.text(wording.chance.randint(20, 180)))
            course.append_seconds.append(line.ask(_append(lab, event), 200))
            lab.until(lambda: not _number(database, "select count(*) from jobs"), "folded")
            if number + 1 == turns // 2:
                course.summarised.append((number + 1, _summariser_tokens(database)))
        course.summarised.append((turns, _summariser_tokens(database)))


def _figures(course: Course, turns: int, database: apsw.Connection) -> Iterator[Figure]:
    half = turns // 2
    tokens = course.prompt_tokens
    within = course.over_budget == 0
    most = f"{course.over_budget} over of {course.asked:,} contexts; the longest {max(tokens):,} of {BUDGET:,}"
    yield Figure(f"prompt tokens over {turns:,} turns", "≤ budget always", most, within, "grows without bound (seed)")
    growth = fmean(tokens[half:]) / fmean(tokens[turns // 10 : half])
    yield at_most("prompt tokens, second half / first (after a tenth)", growth, MOST_GROWTH, form="{:.3f}")
    (first, early), (_, all_of_them) = course.summarised
    ratio = (all_of_them - early) / (turns - first) / (early / first)
    yield at_most("summariser tokens per turn, second half / first", ratio, MOST_GROWTH, form="{:.3f}")
    rewrites = _rewrites(database)
    yield at_most("times one piece is rewritten", rewrites, MOST_REWRITES, published="9,992 (seed)", form="{:.0f}")
    prefix = fmean(course.unchanged[1:])
    yield at_least("unchanged prompt prefix", prefix, LEAST_PREFIX, published="0.09 (seed)", form="{:.2f}")
    slowest = percentile(course.append_seconds, 0.99) * 1e3
    yield at_most("append p99", slowest, MOST_APPEND_MILLISECONDS, published="4-20 s (mem0)", form="{:.1f} ms")


def _said(wording: Wording, number: int) -> str:
    text = wording.text(wording.chance.randint(8, 60))
    if wording.chance.random() < STATES_A_FACT:
        thing, other = wording.chance.sample(OCCASIONAL, 2)
        text += f" My {thing} number {number} is the {other}."
    return text


def _append(lab: Lab, event: Event) -> bytes:
    return post(EVENTS_PATH, lab.chat_token(), {"events": [event]})


def _check(course: Course, context: dict[str, Any], budget: int) -> None:
    course.asked += 1
    course.over_budget += _tokens(context) > budget or context["tokens"] > budget


def _tokens(context: dict[str, Any]) -> int:
    """Counted anew, whatever the service says."""
    said = sum(estimate_tokens(message["content"]) + MESSAGE_TOKENS for message in context["messages"])
    return said + estimate_tokens(context["recall"] or "")


def _prompt(context: dict[str, Any], said: str) -> str:
    """All messages as chat sends them: the mode's prompt, what memory gives, the recall before the user's words."""
    last = "\n\n".join(part for part in (context["recall"], said) if part)
    messages = [("system", MODE_PROMPT), *((each["role"], each["content"]) for each in context["messages"])]
    return "".join(f"<{role}>{content}" for role, content in [*messages, ("user", last)])


def _share(before: str, now: str) -> float:
    same = next((place for place, (one, other) in enumerate(zip(before, now, strict=False)) if one != other), None)
    return (min(len(before), len(now)) if same is None else same) / len(now)


def _summariser_tokens(database: apsw.Connection) -> int:
    return _number(database, "select coalesce(sum(input_tokens + output_tokens), 0) from episodes")


def _rewrites(database: apsw.Connection) -> int:
    """Most summaries that any turn has gone into."""
    sql = """
        select max((select count(*) from episodes as e where d.depth_from between e.depth_from and e.depth_to))
          from episodes as d where d.level = 0
    """
    return _number(database, sql)


def _number(database: apsw.Connection, sql: str) -> int:
    row = database.execute(sql).fetchone()
    return int(row[0]) if row else 0
