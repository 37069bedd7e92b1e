"""Puts turns into the index and takes them out; in the background those that an upgrade left to be put in."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Self

import structlog

from chassis.database import Database, Transaction
from memory_service.passages import passages_of
from memory_service.stores.branches import Branches, Segment
from memory_service.stores.conversations import Conversations
from memory_service.stores.passages import DEEPEST, MOST_PASSAGES, Indexed, Passage, Passages, Span, span_of
from memory_service.stores.turns import Turn, Turns
from memory_service.stores.unindexed import Unindexed
from memory_service.words import indexed

MONTHS = "january february march april may june july august september october november december".split()
TURNS_AT_ONCE = 20
PASSAGES_AT_ONCE = 20
RETRY_SECONDS = 30.0

log = structlog.get_logger()


def index_turn(tx: Transaction, turn: Turn) -> None:
    """Puts a turn into the index, in passages if it is long."""
    if turn.depth <= DEEPEST:
        dated = indexed(date_words(turn.created_at))
        passages = passages_of(turn.user_text, turn.assistant_text)[:MOST_PASSAGES]
        Passages(tx).add(turn.owner, turn.branch, turn.depth, [_indexed(turn, each, dated) for each in passages])


def take_out_turn(tx: Transaction, turn: Turn) -> None:
    """Takes a turn out of the index."""
    Passages(tx).take_out(turn.owner, span_of(Segment(turn.branch, turn.depth - 1, turn.depth)))


def take_out_conversation(tx: Transaction, conversation_id: str) -> None:
    """Takes every turn of a conversation out of the index, so that another owner's can come to the same places."""
    for owner, span in _spans_of(tx, conversation_id):
        Passages(tx).take_out(owner, span)


def leave_conversation(tx: Transaction, conversation_id: str) -> None:
    """Takes every turn of a conversation out of the index, but for words that `clear_leftovers` takes out then.

    FTS5 seeks each word of a passage to erase it: of a thousand long turns that takes seconds.
    """
    for owner, span in _spans_of(tx, conversation_id):
        Passages(tx).leave(owner, span)


async def clear_leftovers(database: Database) -> None:
    """Takes out of the index what was left there, little by little, so that other writes come in between."""
    while await database.write(lambda tx: Passages(tx).clear_some(PASSAGES_AT_ONCE), frees_space=True):
        pass


def _spans_of(tx: Transaction, conversation_id: str) -> list[tuple[str, Span]]:
    conversation = Conversations(tx).find(conversation_id)
    owner = conversation.owner if conversation else ""
    return [(owner, span_of(each.own)) for each in Branches(tx).of(conversation_id)]


def index_conversation(tx: Transaction, conversation_id: str) -> None:
    """Puts every remembered turn of a conversation into the index, for whoever owns it now."""
    for branch in Branches(tx).of(conversation_id):
        for turn in Turns(tx).of_branch(branch.id):
            index_turn(tx, turn)


def date_words(moment: float) -> str:
    """`8 may 2023 monday`, in UTC."""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.day} {MONTHS[date.month - 1]} {date.year} {date:%A}".lower()


class Indexing:
    """`async with` runs it, until nothing is left to be indexed; meanwhile those turns are not found by their words."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="indexing")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        done = 0
        while True:
            try:
                some = await self._database.write(_index_some)
            except Exception as error:  # storage that takes nothing
                log.warning("indexing_postponed", exc_info=error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            done += some
            if not some:
                break
        if done:
            log.info("indexed", turns=done)


def _index_some(tx: Transaction) -> int:
    """Indexes some of the turns that are left; returns how many."""
    numbers = Unindexed(tx).take(TURNS_AT_ONCE)
    for turn in Turns(tx).numbered(numbers):
        if turn.remembered:
            take_out_turn(tx, turn)  # it may have been revised, and indexed with that
            index_turn(tx, turn)
    return len(numbers)


def _indexed(turn: Turn, passage: Passage, dated: list[str]) -> Indexed:
    return Indexed(
        passage,
        user_words=indexed(turn.user_text[passage.user_from : passage.user_to]),
        assistant_words=indexed(turn.assistant_text[passage.assistant_from : passage.assistant_to]),
        date_words=dated,
    )
