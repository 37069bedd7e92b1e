"""Replies of a scripted summariser: what a fold is told is what the script says, word for word."""

import json
from typing import Any

HELD = {"match": {}, "fault": {"held": True}}
"""The rule by which no reply comes before the rules are dropped: what happens until then happens during a fold."""


def stated(text: str, *, replaces: tuple[str, ...] = ()) -> dict[str, Any]:
    """A fact in the user's own words, found in the turn that the reply is about."""
    return {"text": text, "kind": "profile", "priority": 7, "quote": text, "replaces": list(replaces)}


def fold_reply(
    turn_id: str, said: str, *facts: dict[str, Any], summary: str = "", held: bool = False
) -> dict[str, Any]:
    """The rule by which folds that read this turn are answered so; `said` is what the user says there."""
    reply = {
        "summary": summary or said,
        "priority_score": 5,
        "quote": {"turn_id": turn_id, "text": said},
        "facts": [{**fact, "turn_ids": [turn_id]} for fact in facts],
    }
    return {"match": {"text_contains": turn_id}, "fault": {"content": json.dumps(reply), "held": held}}
