"""Finding old turns: lexical, deterministic, no model. `index_turn` puts a turn into the index, `search` ranks."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chassis.database import Transaction
from memory_service.passages import clipped, passages_of
from memory_service.stores.branches import Path
from memory_service.stores.passages import Hit, Indexed, Passages
from memory_service.stores.turns import Turn
from memory_service.words import content_words, words

PRECEDING_TURNS = 2
"""So many turns that came before stand beside a turn in the index."""
CANDIDATES = 200
MOST_WORDS = 40
SESSION_BONUS = 0.15
"""Share of the best score that every turn of the best session gains."""
DATE_BONUS = 0.25
"""Share of the best score that a turn gains whose month or year the query names."""
SESSION_DEPTH = 5
_MONTHS = "january february march april may june july august september october november december".split()
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Found:
    """A turn with its best passage and its score, higher is better."""

    hit: Hit
    score: float


def index_turn(tx: Transaction, number: int, turn: Turn, preceding: Sequence[Turn]) -> None:
    """Puts a turn into the index, next to what came before it (`preceding`, newest first)."""
    came_before = [clipped(f"{each.user_text}\n{each.assistant_text}") for each in preceding] + ["", ""]
    whole = Indexed("", "", _date_words(turn.created_at), came_before[0], came_before[1])
    for passage in passages_of(turn.user_text, turn.assistant_text):
        indexed = replace(
            whole,
            user_text=turn.user_text[passage.user_from : passage.user_to],
            assistant_text=turn.assistant_text[passage.assistant_from : passage.assistant_to],
        )
        if turn.opens and not passage.user_to:  # a piece of the answer: what came just before it is the question
            indexed = replace(indexed, previous=clipped(turn.user_text), before=came_before[0])
        Passages(tx).add(number, turn.owner, turn.conversation_id, passage, indexed)


def search(
    tx: Transaction,
    owner: str,
    query: str,
    *,
    limit: int,
    conversation_id: str | None = None,
    path: Path | None = None,
) -> list[Found]:
    """The owner's turns that bear on the query, best first; with `path` only those on it."""
    asked = _asked(query)
    if not asked:
        return []
    hits = Passages(tx).search(owner, asked, conversation_id=conversation_id, path=path, limit=max(CANDIDATES, limit))
    return _ranked(_best_of_each_turn(hits), words(query))[:limit]


def _asked(query: str) -> list[str]:
    """The words to look for; of a long text its beginning and its end, where questions stand."""
    asked = content_words(query)
    return asked if len(asked) <= MOST_WORDS else asked[: MOST_WORDS // 2] + asked[-MOST_WORDS // 2 :]


def _best_of_each_turn(hits: list[Hit]) -> list[Hit]:
    best: dict[int, Hit] = {}
    for hit in hits:
        best.setdefault(hit.turn, hit)
    return list(best.values())


def _ranked(hits: list[Hit], said: list[str]) -> list[Found]:
    if not hits:
        return []
    top = hits[0].score
    session = _best_session(hits)
    named = {word for word in said if word in _MONTHS or _YEAR.fullmatch(word)}
    found = []
    for hit in hits:
        score = hit.score
        if (hit.conversation_id, hit.session_at) == session:
            score += SESSION_BONUS * top
        if named and named & set(_date_words(hit.created_at).split()):
            score += DATE_BONUS * top
        found.append(Found(hit, score))
    return sorted(found, key=lambda each: (-each.score, -each.hit.turn))


def _best_session(hits: list[Hit]) -> tuple[str, float]:
    """The sitting whose few best turns score most together."""
    scores: dict[tuple[str, float], list[float]] = defaultdict(list)
    for hit in hits:
        scores[hit.conversation_id, hit.session_at].append(hit.score)
    return max(scores, key=lambda session: sum(sorted(scores[session], reverse=True)[:SESSION_DEPTH]))


def _date_words(moment: float) -> str:
    """`8 may 2023 monday`, in UTC."""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year} {date:%A}".lower()
