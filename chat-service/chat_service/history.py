"""The turns before: what memory gives, and those newer than it knows. Costs no more in a long conversation."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from chassis.database import Database, Transaction
from chassis.owners import Owners
from chat_service.clients.memory import Memory, Remembered
from chat_service.context import Context
from chat_service.memory_events import MemoryEvents
from chat_service.places import exchange_before
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.transcripts import Message, cut, matched, messages_of, tokens_in

TAIL = 64
"""How many of the newest turns memory is shown to find one that it knows."""


@dataclass(frozen=True)
class Before:
    """What precedes a turn: the exchange it goes on with, word for word, and the turns before that, newest first.

    `forgetting`: memory may still hold what was deleted there.
    """

    exchange: list[str] = field(default_factory=list)
    exchange_items: list[Item] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    forgetting: bool = False


@dataclass(frozen=True)
class OwnTurns:
    """Turns that chat itself still has to tell of, oldest first; `cut` is the one that was too long."""

    turns: list[tuple[str, list[Message]]]
    too_old: list[str]
    cut: str | None


class Histories:
    """`memory_tokens` is the room for what memory gives, `history_tokens` that for turns it does not know yet.

    Both are the model's own tokens. Where the model has less room, each gets a quarter of it at most.
    """

    def __init__(self, database: Database, memory: Memory, memory_tokens: int, history_tokens: int) -> None:
        self._database = database
        self._memory = memory
        self._memory_tokens = memory_tokens
        self._history_tokens = history_tokens

    async def add(self, context: Context, turn: StoredResponse, before: Before, query: str, room: int) -> str | None:
        """Adds the turns before; returns what memory recalled for inside the question. `room`: what the model has."""
        tail = before.tail
        share = max(0, room // 4)
        budget = min(context.estimated(self._memory_tokens), share)
        remembered = await self._remembered(context, turn, before, query, budget)
        if remembered:
            _add_remembered(context, remembered)
            if remembered.known_through in tail:
                tail = tail[: tail.index(remembered.known_through)]
        if tail:
            await self._add_own(context, tail, min(context.estimated(self._history_tokens), share))
        return remembered.recall if remembered else None

    async def _remembered(
        self, context: Context, turn: StoredResponse, before: Before, query: str, room: int
    ) -> Remembered | None:
        if not turn.stored or turn.conversation_id is None:
            context.memory = {"used": False, "reason": "not_stored"}
            return None
        remembered = None
        if not before.forgetting:
            remembered = await self._memory.recall(turn.owner, turn.conversation_id, before.tail, query, room)
        if remembered is None:
            context.memory = {"used": False, "reason": "unavailable"}
        else:
            context.memory = {"used": True, "known_through": remembered.known_through}
        return remembered

    async def _add_own(self, context: Context, tail: list[str], room: int) -> None:
        own = await self._database.read(lambda tx: _own_turns(tx, tail, room))
        for response_id, messages in own.turns:
            reason = "truncated" if response_id == own.cut else None
            context.add("turn", "conversation", [response_id], messages, reason=reason)
        if own.too_old:
            context.drop("turn", "conversation", own.too_old, 0, "over_budget")


def _own_turns(tx: Transaction, tail: list[str], room: int) -> OwnTurns:
    """As many of the newest turns as there is room for, and of the very newest as much: a question is about that."""
    turns: list[tuple[str, list[Message]]] = []
    cut_turn = None
    for response_id in tail:
        messages = messages_of(Items(tx).of(response_id))
        tokens = sum(map(tokens_in, messages))
        if tokens > room and (turns or room <= 0):
            break
        if tokens > room:
            messages, cut_turn = cut(messages, room), response_id
        room -= tokens
        turns.append((response_id, messages))
    return OwnTurns(_matched_turns(turns[::-1]), tail[len(turns) :], cut_turn)


def what_precedes(tx: Transaction, turn: StoredResponse) -> Before:
    """Nothing for the first turn."""
    if turn.parent_id is None:
        return Before()
    owner = Owners(tx).present(turn.owner)  # merged meanwhile, perhaps
    exchange = exchange_before(tx, turn.parent_id) if turn.continues else []
    newest: str | None = turn.parent_id
    if exchange:
        opener = Responses(tx).node(owner, exchange[0])
        newest = opener.parent_id if opener else None
    items = [item for response_id in exchange for item in Items(tx).of(response_id)]
    forgetting = turn.conversation_id is not None and MemoryEvents.forgetting(tx, turn.conversation_id)
    return Before(exchange, items, Responses(tx).path(owner, newest, TAIL) if newest else [], forgetting)


def _add_remembered(context: Context, remembered: Remembered) -> None:
    first = len(context.messages)
    context.messages += [message.model_dump() for message in remembered.messages]
    where = (first, max(first, len(context.messages) - 1))
    for part in remembered.parts:
        context.note(part.kind, "memory", part.ids, part.tokens, where=where, reason=part.reason, score=part.score)
    for part in remembered.dropped:
        context.drop(part.kind, "memory", part.ids, part.tokens, part.reason or "over_budget")
    context.tokens += remembered.tokens


def _matched_turns(turns: list[tuple[str, list[Message]]]) -> list[tuple[str, list[Message]]]:
    """The turns with calls and results that belong together only; those without a word left are left out."""
    marked: list[dict[str, Any]] = [
        {**message, "turn": response_id} for response_id, messages in turns for message in messages
    ]
    kept = []
    for response_id, group in groupby(matched(marked), key=lambda message: message["turn"]):
        kept.append((response_id, [{name: value for name, value in each.items() if name != "turn"} for each in group]))
    return kept
