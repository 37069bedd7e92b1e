"""The index: passages of remembered turns and their FTS5 rows. The one file whose SQL is SQLite's alone.

A passage's number says where it stands: branch (29 bits), depth (20), place in its turn (14). So the passages of a path
are a few ranges of numbers, newer ones have higher numbers within a branch, and a match needs no join to be placed.
Every word of the index begins with its owner's number: the postings that a search reads are its owner's alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chassis.database import Transaction
from memory_service.stores.branches import Segment

PASSAGE_BITS, DEPTH_BITS = 14, 20
MOST_PASSAGES = 1 << PASSAGE_BITS
"""Of one turn; what it says beyond them is not found."""
DEEPEST = (1 << DEPTH_BITS) - 1
OWNER_END = "·"
"""Between an owner's number and a word; FTS5's `ascii` takes it for a letter, and no word has it."""

Role = Literal["user", "assistant"]
_COLUMNS = {
    None: "",
    "user": "user_text : ",
    "assistant": "assistant_text : ",
    "either": "{user_text assistant_text} : ",
}


@dataclass(frozen=True)
class Passage:
    """Character ranges of a turn's two texts; one of them may be empty."""

    user_from: int
    user_to: int
    assistant_from: int
    assistant_to: int


@dataclass(frozen=True)
class Indexed:
    """A passage and the words of it that the index holds."""

    passage: Passage
    user_words: Sequence[str]
    assistant_words: Sequence[str]
    date_words: Sequence[str]


@dataclass(frozen=True)
class Span:
    """Numbers of passages, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class IndexOwner:
    """The number that stands before each of the owner's words, and how much of the owner is in the index."""

    number: int
    turns: int
    passages: int


EVERYTHING = Span(0, (1 << 63) - 1)


def turn_place(branch: int, depth: int) -> int:
    """Where a turn stands, as one number."""
    return branch << DEPTH_BITS | depth


def branch_and_depth_of(place: int) -> tuple[int, int]:
    """Of the turn that stands there."""
    return place >> DEPTH_BITS, place & DEEPEST


def place_of_passage(number: int) -> int:
    """Where the turn of a passage stands."""
    return number >> PASSAGE_BITS


def span_of(segment: Segment) -> Span:
    """The passages of a piece of a path; none of turns so deep that the index does not hold them."""
    first = turn_place(segment.branch, 0) + min(segment.above, DEEPEST) + 1
    last = turn_place(segment.branch, min(segment.upto, DEEPEST))
    return Span(first << PASSAGE_BITS, last << PASSAGE_BITS | MOST_PASSAGES - 1)


class Passages:
    """Passages of turns and the full-text index over them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, owner: str, branch: int, depth: int, passages: Sequence[Indexed]) -> None:
        """Indexes a turn's passages for its owner."""
        prefix = f"{self._number_of(owner, passages=len(passages))}{OWNER_END}"
        first = turn_place(branch, depth) << PASSAGE_BITS
        for number, each in enumerate(passages, start=first):
            self._tx.run(
                "insert into passages (number, user_from, user_to, assistant_from, assistant_to)"
                " values (?, ?, ?, ?, ?)",
                number,
                *(each.passage.user_from, each.passage.user_to),
                *(each.passage.assistant_from, each.passage.assistant_to),
            )
            self._tx.run(
                "insert into passages_fts (rowid, user_text, assistant_text, date) values (?, ?, ?, ?)",
                number,
                *(_prefixed(prefix, words) for words in (each.user_words, each.assistant_words, each.date_words)),
            )

    def take_out(self, owner: str, span: Span) -> None:
        """Takes the owner's passages of the span out of the index."""
        self._tx.run("delete from passages_fts where rowid between ? and ?", span.first, span.last)
        self._drop(owner, span)

    def leave(self, owner: str, span: Span) -> None:
        """The same, but their words stay in the index until they are cleared; nothing may come to the same places."""
        self._drop(owner, span)
        branch = span.last >> DEPTH_BITS + PASSAGE_BITS
        self._tx.run("insert into leftovers (branch, first, last) values (?, ?, ?)", branch, span.first, span.last)

    def clear_some(self, count: int) -> bool:
        """Takes words that were left out of the index, of `count` passages; False when none are left."""
        left = self._tx.one("select number, first, last from leftovers order by number limit 1")
        if left is None:
            return False
        cleared = self._tx.run(
            "delete from passages_fts where rowid in"
            " (select rowid from passages_fts where rowid between ? and ? limit ?)",
            *(left["first"], left["last"], count),
        )
        if cleared < count:
            self._tx.run("delete from leftovers where number = ?", left["number"])
        return True

    def _drop(self, owner: str, span: Span) -> None:
        turns = self._tx.value(
            "select count(distinct number >> ?) as turns from passages where number between ? and ?",
            *(PASSAGE_BITS, span.first, span.last),
        )
        passages = self._tx.run("delete from passages where number between ? and ?", span.first, span.last)
        self._tx.run(
            "update index_owners set turns = turns - ?, passages = passages - ? where owner = ?", turns, passages, owner
        )

    def forget_owner(self, owner: str) -> None:
        """Whose passages are all gone: the number stays with nobody."""
        self._tx.run("delete from index_owners where owner = ?", owner)

    def of_owner(self, owner: str) -> IndexOwner | None:
        """What the index knows of the owner; None when nothing was ever indexed."""
        row = self._tx.one("select number, turns, passages from index_owners where owner = ?", owner)
        return IndexOwner(**row) if row else None

    def holding(self, match: str, spans: Sequence[Span], limit: int) -> list[int]:
        """Numbers of passages in the spans that match, the highest first; at most `limit`."""
        numbers: list[int] = []
        for span in spans:
            found = self._tx.value(  # in one row, since rows cost more than what is in them
                "select json_group_array(number) as numbers from (select rowid as number from passages_fts"
                " where passages_fts match ? and rowid between ? and ? order by rowid desc limit ?)",
                match,
                *(span.first, span.last, limit - len(numbers)),
            )
            numbers += json.loads(found)
            if len(numbers) == limit:
                break
        return numbers

    def count(self, match: str, spans: Sequence[Span], most: int) -> int:
        """How many passages in the spans match; counts no further than `most`."""
        counted = 0
        for span in spans:
            counted += self._tx.value(
                "select count(*) as count from (select 1 from passages_fts"
                " where passages_fts match ? and rowid between ? and ? limit ?)",
                match,
                *(span.first, span.last, most - counted),
            )
            if counted >= most:
                break
        return counted

    def find(self, number: int) -> Passage:
        """A passage of the index."""
        row = self._tx.one(
            "select user_from, user_to, assistant_from, assistant_to from passages where number = ?", number
        )
        assert row is not None
        return Passage(**row)

    def _number_of(self, owner: str, passages: int) -> int:
        """The owner's number, who now has a turn and so many passages more."""
        number: int | None = self._tx.value(
            "update index_owners set turns = turns + 1, passages = passages + ? where owner = ? returning number",
            passages,
            owner,
        )
        if number is None:
            number = self._tx.value(
                "insert into index_owners (owner, turns, passages) values (?, 1, ?) returning number", owner, passages
            )
        return number


def match_of(owner: IndexOwner, stems: Sequence[str], said_by: Role | Literal["either"] | None = None) -> str:
    """The FTS5 query for passages that have one of the stems. A stem that ends in `*` stands for all that begin so.

    With `said_by` the date does not count. Every word is quoted, so nothing a user writes is query syntax.
    """
    quoted = (f'"{owner.number}{OWNER_END}{stem.rstrip("*")}"{"*" * stem.endswith("*")}' for stem in stems)
    return f"{_COLUMNS[said_by]}({' OR '.join(quoted)})"


def _prefixed(prefix: str, words: Sequence[str]) -> str:
    return " ".join(prefix + word for word in words)
