"""Finding old turns: lexical, deterministic, no model, at a cost that does not grow with what there is to search."""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from heapq import nlargest

from chassis.database import Transaction
from memory_service.indexing import MONTHS, date_words
from memory_service.postings import Postings, gather, gather_all
from memory_service.scopes import Scope, scope_of
from memory_service.stores.branches import Path
from memory_service.stores.passages import Passages, Role
from memory_service.stores.turns import Placed, Turns
from memory_service.words import asked, words

MOST_WORDS = 40
END_CHARACTERS = 4_000
"""Of a long query so much of its beginning and of its end is looked at; questions stand there."""
CANDIDATES = 64
FILTERED = 20_000
"""What stands for it where a span of time is asked for: what the words find may lie outside it."""
SATURATION = 1.2
"""`k1` of bm25 (Robertson and Zaragoza, 2009). Lengths do not count: passages are of about one length."""
NEARBY = ((1, 0.4), (2, 0.3), (-1, 0.2), (-2, 0.1))
"""What a word counts for the turns after and before the one that has it. Chosen on LoCoMo (benchmarks/memory)."""
SAME_TURN = 0.5
"""What it counts for the other passages of its turn. Both are shared among as many passages as a turn has: long turns
have many words, and meet by chance."""
SESSION_BONUS = 0.15
"""Share of the best score that every turn of the best session gains."""
DATE_BONUS = 0.25
"""Share of the best score that a turn gains whose month or year the query names."""
SESSION_DEPTH = 5
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Found:
    """A turn with its passage that fits best, None when only its neighbours do, and its score: higher is better."""

    turn: Placed
    passage: int | None
    score: float


@dataclass(frozen=True)
class Times:
    """From `since` until before `until`, in seconds; None is open."""

    since: float | None = None
    until: float | None = None

    def hold(self, moment: float) -> bool:
        """Whether it lies between them."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


ALWAYS = Times()


def search(
    tx: Transaction,
    owner: str,
    query: str,
    *,
    limit: int,
    conversation_id: str | None = None,
    path: Path | None = None,
    times: Times = ALWAYS,
    role: Role | None = None,
    beside: bool = True,
) -> list[Found]:
    """The owner's turns that bear on the query, best first; with `path` only those on it.

    With `role` the words must be the user's, or the assistant's. Turns that have no word of it, and stand `beside` some
    that do, are found too, unless that is not wanted.
    """
    query = _beginning_and_end(query)
    wanted = asked(query, MOST_WORDS)
    known = Passages(tx).of_owner(owner)
    if not wanted or known is None:
        return []
    scope = scope_of(tx, known, conversation_id, path)
    if times == ALWAYS:
        postings, candidates = gather(tx, known, wanted, scope, role), max(CANDIDATES, limit)
    else:
        postings, candidates = gather_all(tx, known, wanted, scope, role, FILTERED), FILTERED
    scores = _Scores(scope)
    for each in postings:
        scores.add(each)
    best = scores.best(candidates)
    turns = Turns(tx).placed([scope.branch_and_depth(place) for place in best])
    found = [
        Found(turn, passage, scores.of_turn[place])
        for place, passage in ((place, scores.passage(place)) for place in best)
        if (passage is not None or (beside and role is None))
        and (turn := turns.get(scope.branch_and_depth(place)))
        and turn.owner == owner
        and times.hold(turn.created_at)
    ]
    return _with_bonuses(found, words(query))[:limit]


def _beginning_and_end(query: str) -> str:
    return query if len(query) <= 2 * END_CHARACTERS else f"{query[:END_CHARACTERS]}\n{query[-END_CHARACTERS:]}"


class _Scores:
    """Adds up, word by word, what the turns of a scope and their passages are worth."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._near = 1 / scope.passages_per_turn
        self.of_turn: dict[int, float] = defaultdict(float)
        self._of_passage: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, postings: Postings) -> None:
        """Adds what one word tells."""
        weight = _rarity(postings.count, self._scope.passages) * (SATURATION + 1)
        same_turn = SAME_TURN * self._near
        passages = [(place, each) for each in postings.numbers if (place := self._scope.place(each)) is not None]
        near: dict[int, float] = defaultdict(float)
        for place in {place for place, _ in passages}:
            near[place] += same_turn
            for distance, share in NEARBY:
                near[place + distance] += share * self._near
        for place, count in near.items():
            self.of_turn[place] += weight * count / (count + SATURATION)
        for place, number in passages:
            count = near[place]
            itself = count + 1 - same_turn
            gain = itself / (itself + SATURATION) - count / (count + SATURATION)
            self._of_passage[place][number] += weight * gain

    def best(self, count: int) -> list[int]:
        """Places of the turns that score most, each with its best passage counted in."""
        for place, passages in self._of_passage.items():
            self.of_turn[place] += max(passages.values())
        return [place for _, place in nlargest(count, ((score, place) for place, score in self.of_turn.items()))]

    def passage(self, place: int) -> int | None:
        """Number of the turn's passage that scores most."""
        passages = self._of_passage.get(place)
        return max(passages, key=lambda number: (passages[number], -number)) if passages else None


def _rarity(passages: int, size: float) -> float:
    """Inverse document frequency, as in bm25 but never negative."""
    return math.log(1 + (max(size - passages, 0) + 0.5) / (passages + 0.5))


def _with_bonuses(found: list[Found], said: list[str]) -> list[Found]:
    if not found:
        return []
    top = found[0].score
    session = _best_session(found)
    named = {word for word in said if word in MONTHS or _YEAR.fullmatch(word)}
    ranked = []
    for each in found:
        score = each.score
        if _session(each) == session:
            score += SESSION_BONUS * top
        if named and named & set(date_words(each.turn.created_at).split()):
            score += DATE_BONUS * top
        ranked.append(Found(each.turn, each.passage, score))
    return sorted(ranked, key=lambda each: (-each.score, -each.turn.created_at, each.turn.id))


def _best_session(found: list[Found]) -> tuple[str, float]:
    """The sitting whose few best turns score most together."""
    scores: dict[tuple[str, float], list[float]] = defaultdict(list)
    for each in found:
        scores[_session(each)].append(each.score)
    return max(scores, key=lambda session: sum(sorted(scores[session], reverse=True)[:SESSION_DEPTH]))


def _session(found: Found) -> tuple[str, float]:
    return found.turn.conversation_id, found.turn.session_at
