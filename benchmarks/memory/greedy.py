"""A summariser that takes everything for a fact: what the user says, what is answered, and what it is told is known.

It says of each that the user said it, and quotes it; or else it quotes something that the user did say.
"""

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_TURN = re.compile(r'<turn id="([^"]*)"[^>]*>(.*?)</turn>', re.DOTALL)
_KNOWN = re.compile(r"<known_facts>\n(.*?)\n</known_facts>", re.DOTALL)
_NAME = re.compile(r"^f\d+: ", re.MULTILINE)
_SENTENCE = re.compile(r"[^.?!\n<>]+[.?]")
MOST_FACTS = 20


class Greedy:
    """Serve `app`; `claims` counts the texts that it passed off as the user's."""

    def __init__(self) -> None:
        self.claims = 0
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> JSONResponse:
        body = await request.json()
        wanted = body["response_format"]["json_schema"]["schema"]["properties"]
        told = self._fold(body["messages"][-1]["content"])
        reply = json.dumps({name: value for name, value in told.items() if name in wanted})  # a merge wants no facts
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
        return JSONResponse({"id": "x", "object": "chat.completion", "created": 0, "model": "x", "choices": [message]})

    def _fold(self, prompt: str) -> dict[str, Any]:
        """What it is told is known comes first, then the newest answers: of very many facts not all are taken."""
        turns = [_Turn.of(found) for found in _TURN.finditer(prompt)][::-1]
        known = _KNOWN.search(prompt)
        facts = _facts(turns[0], _sentences(_NAME.sub("", known[1]))) if known else []
        for turn in turns:
            facts += _facts(turn, turn.answered)
        self.claims += len(facts)
        for turn in turns:
            facts += _facts(turn, [sentence for sentence in turn.said if sentence.endswith(".")])
        quote = {"turn_id": turns[0].id, "text": turns[0].said[0]}
        return {"summary": " ".join(turns[0].said), "priority_score": 5, "quote": quote, "facts": _some(facts)}


@dataclass(frozen=True)
class _Turn:
    """Its sentences."""

    id: str
    said: list[str]
    answered: list[str]

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        user, _, assistant = found[2].partition("</user>")
        return cls(found[1], _sentences(user), _sentences(assistant))


def _facts(turn: _Turn, sentences: list[str]) -> list[dict[str, Any]]:
    """Each quotes itself, or every second time something that the user did say there."""
    return [
        {
            "text": sentence,
            "kind": "other",
            "priority": 9,
            "turn_ids": [turn.id],
            "quote": sentence if sentence in turn.said or number % 2 else turn.said[number % 3 % len(turn.said)],
            "replaces": [],
        }
        for number, sentence in enumerate(sentences)
    ]


def _some(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as memory looks at: most are the claims, a few are the user's own, which stand at the end."""
    own = facts[-MOST_FACTS // 4 :]
    return [*facts[: MOST_FACTS - len(own)], *own]


def _sentences(text: str) -> list[str]:
    return [found.strip() for found in _SENTENCE.findall(unescape(text)) if found.strip()]
