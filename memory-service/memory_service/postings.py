"""Which passages a search looks at: a bounded number, however many hold a word.

A rare word is looked at wherever it stands. Of words that many passages hold, only those passages count that hold two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from chassis.database import Transaction
from memory_service.scopes import Scope
from memory_service.stores.passages import IndexOwner, Passages, Role, match_of

RARE = 200
"""A word that fewer passages hold is looked at in all of them."""
PAIRED = 6
"""Of the other words the rarest so many count, each in passages that hold it and another, …"""
PAIRS = 300
"""… the newest so many for each two words."""
COMMON = 0.25
"""A word that this share of all passages holds tells nothing beside others."""
COUNTED = 2_000
"""Passages that hold a word are counted no further."""
POSTINGS = 1_500
"""So many are looked at in all, rare words first."""
WHOLE_WORDS = 2
"""Without a choice of passages: as many as so many words may have."""


@dataclass
class Postings:
    """A word's passages that are looked at, by number, and how many hold it."""

    match: str
    numbers: set[int]
    count: int
    oldest: int
    """The lowest of the numbers: of two words with as many newer passages, that with the lower one is the rarer."""

    @property
    def is_rare(self) -> bool:
        """Whether these are all."""
        return self.count < RARE


def gather(
    tx: Transaction, owner: IndexOwner, wanted: Sequence[Sequence[str]], scope: Scope, role: Role | None
) -> list[Postings]:
    """What there is of the words (each as the stems that it may be indexed under), rarest first."""
    index = Passages(tx)
    words = [_newest(index, match_of(owner, stems, role), scope, RARE) for stems in wanted]
    words = sorted(
        (each for each in words if each.numbers), key=lambda each: (not each.is_rare, each.count, each.oldest)
    )
    rare, paired = [each for each in words if each.is_rare], words[:PAIRED]
    common = [each for each in paired if not each.is_rare]
    for each in common:
        estimated = scope.estimated(each.count, each.oldest)
        each.count = estimated or index.count(each.match, scope.spans, COUNTED)
    telling = [each for each in paired if each.is_rare or each.count < COMMON * scope.passages]
    _keep_pairs(index, scope, common, telling if rare or len(telling) > 1 else paired)
    return _within(sorted([*rare, *common], key=lambda each: each.count), POSTINGS)


def gather_all(
    tx: Transaction, owner: IndexOwner, wanted: Sequence[Sequence[str]], scope: Scope, role: Role | None, most: int
) -> list[Postings]:
    """The same for when more than the words decide: up to `most` passages of each, and of all together, rarest first,
    not many more."""
    words = [_newest(Passages(tx), match_of(owner, stems, role), scope, most) for stems in wanted]
    return _within(sorted(words, key=lambda each: each.count), WHOLE_WORDS * most)


def _newest(index: Passages, match: str, scope: Scope, most: int) -> Postings:
    numbers = _holding(index, match, scope, most)
    return Postings(match, set(numbers), len(numbers), numbers[-1] if numbers else 0)


def _holding(index: Passages, match: str, scope: Scope, most: int) -> list[int]:
    """The newest that match; looked for between the pieces of a path too, unless there are too many of them."""
    numbers = index.holding(match, scope.spans, most)
    is_exact = len(scope.spans) == len(scope.exact_spans)
    if not is_exact and len(numbers) == most and any(scope.place(number) is None for number in numbers):
        numbers = index.holding(match, scope.exact_spans, most)
    return numbers


def _keep_pairs(index: Passages, scope: Scope, common: Sequence[Postings], paired: Sequence[Postings]) -> None:
    """Leaves of the common words what stands together with another; if nothing does, and none is rare, the newest."""
    pairs = {each.match: set[int]() for each in (*common, *paired)}
    for one, other in combinations(paired, 2):
        if not (one.is_rare and other.is_rare):  # else they are there already
            both = _holding(index, f"({one.match}) AND ({other.match})", scope, PAIRS)
            pairs[one.match].update(both)
            pairs[other.match].update(both)
    if any(pairs.values()) or len(common) < len(paired):
        for each in common:
            each.numbers = pairs[each.match]


def _within(words: Sequence[Postings], most: int) -> list[Postings]:
    """The first of them that are not more together."""
    kept: list[Postings] = []
    for each in words:
        most -= len(each.numbers)
        if most < 0 and kept:
            break
        kept.append(each)
    return kept
