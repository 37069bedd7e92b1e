"""The context of a turn, within any token budget: what is stable comes first, and a receipt says what is in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chassis.database import Database, Transaction
from chassis.owners import Owners
from chassis.tokens import estimate_tokens, shortened
from memory_service.folding import exchanges
from memory_service.long_term import Shown, long_term
from memory_service.recall import FRAME_TOKENS, Recall, recall
from memory_service.schemas.context import ContextAnswer, ContextMessage, ContextPart, ContextQuestion
from memory_service.stores.branches import Branches, Path
from memory_service.stores.conversations import Conversations
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.facts import Fact, Facts
from memory_service.stores.preferences import Preferences
from memory_service.stores.turns import Size, Turns

RECALL_TOKENS = 1500
MESSAGE_TOKENS = 4
"""What a message costs beside its text."""
FACTS_READ = 64
"""As many as can be worth their tokens: a line has five at least, mostly ten."""
TURNS_READ = 512
SHORTENED_AT_LEAST = 200
"""Tokens; a turn of which less can be shown is left to recall."""


@dataclass
class _Context:
    """A context that is being put together, and the tokens there still are for it."""

    room: int
    messages: list[ContextMessage] = field(default_factory=list)
    parts: list[ContextPart] = field(default_factory=list)
    dropped: list[ContextPart] = field(default_factory=list)
    recall: str | None = None

    def answer(self, known_through: str | None, budget: int) -> ContextAnswer:
        return ContextAnswer(
            known_through=known_through,
            messages=self.messages,
            recall=self.recall,
            parts=self.parts,
            dropped=self.dropped,
            tokens=budget - self.room,
        )


class ContextOfTurns:
    """Puts contexts together. `buffer_tokens` bounds the verbatim turns while folding lags behind."""

    def __init__(self, database: Database, buffer_tokens: int | None) -> None:
        self._database = database
        self._buffer_tokens = buffer_tokens

    async def compose(self, question: ContextQuestion) -> ContextAnswer:
        """The context for a turn that follows the newest turn of `tail` which memory knows."""
        return await self._database.read(lambda tx: self._compose(tx, question))

    def _compose(self, tx: Transaction, question: ContextQuestion) -> ContextAnswer:
        question = question.model_copy(update={"owner": Owners(tx).present(question.owner)})
        conversation = Conversations(tx).owned(question.owner, question.conversation_id)
        known = conversation and Turns(tx).newest_known(question.owner, question.conversation_id, question.tail)
        budget = question.token_budget
        context = _Context(budget)
        if not known:  # nothing of the conversation, but of its owner
            _add_long_term(context, _facts(tx, question, None), [])
            return context.answer(None, budget)
        branch = Branches(tx).get(known.branch)
        path = Branches(tx).path(known.branch, known.depth)
        folded_through = Episodes(tx).folded_through(path, branch.folded_through)
        _add_long_term(context, _facts(tx, question, path), Episodes(tx).live(path, folded_through))
        recall_room = min(RECALL_TOKENS, budget // 4)
        first = self._add_buffer(tx, context, path, folded_through, context.room - recall_room)
        room = min(recall_room, context.room)
        found = recall(tx, question.owner, path, question.query, before=first, room=room)
        _add_recall(context, found)
        return context.answer(known.id, budget)

    def _add_buffer(self, tx: Transaction, context: _Context, path: Path, folded_through: int, room: int) -> int:
        """Adds the unfolded turns, the newest that fit; returns the depth of the first of them that is there whole."""
        sizes = Turns(tx).newest_sizes(path, folded_through, TURNS_READ)
        kept = self._newest_that_fit(sizes, room)
        if sizes and not kept and room >= SHORTENED_AT_LEAST:
            return _add_shortened(tx, context, path, sizes, room)
        first = sizes[kept - 1].depth if kept else path.tip + 1
        tokens = 0
        for turn in Turns(tx).between(path, first - 1, path.tip):
            _say(context.messages, "user", turn.user_text)
            _say(context.messages, "assistant", turn.assistant_text)
            tokens += _cost(turn.tokens)
        context.room -= tokens
        if kept:
            ids = [size.id for size in reversed(sizes[:kept])]
            context.parts.append(ContextPart(kind="turn", ids=ids, tokens=tokens, reason="short-term memory"))
        _drop(context, sizes[kept:])
        return first

    def _newest_that_fit(self, sizes: Sequence[Size], room: int) -> int:
        """How many of the turns, newest first, in whole exchanges. The newest alone may pass the buffer's own bound."""
        used = kept = 0
        for exchange in reversed(exchanges(sizes[::-1])):
            used += sum(_cost(size.tokens) for size in exchange)
            over_bound = self._buffer_tokens is not None and used > self._buffer_tokens and kept > 0
            if used > room or over_bound:
                break
            kept += len(exchange)
        return kept


def _add_shortened(tx: Transaction, context: _Context, path: Path, sizes: Sequence[Size], room: int) -> int:
    """Adds the newest turn, which is too long: a question is about what was just said. The rest may be recalled."""
    newest = sizes[0]
    [turn] = Turns(tx).between(path, newest.depth - 1, newest.depth)
    room -= _cost(0)
    asked, answered = estimate_tokens(turn.user_text), estimate_tokens(turn.assistant_text)
    asked = min(asked, max(room // 2, room - answered))
    texts = shortened(turn.user_text, asked), shortened(turn.assistant_text, room - asked)
    _say(context.messages, "user", texts[0])
    _say(context.messages, "assistant", texts[1])
    tokens = _cost(sum(map(estimate_tokens, texts)))
    context.room -= tokens
    context.parts.append(ContextPart(kind="turn", ids=[turn.id], tokens=tokens, reason="short-term memory, truncated"))
    _drop(context, sizes[1:])
    return path.tip + 1


def _drop(context: _Context, sizes: Sequence[Size]) -> None:
    if sizes:
        ids = [size.id for size in reversed(sizes)]
        tokens = sum(_cost(size.tokens) for size in sizes)
        context.dropped.append(
            ContextPart(kind="turn", ids=ids, tokens=tokens, reason="not folded yet, over the budget")
        )


def _facts(tx: Transaction, question: ContextQuestion, path: Path | None) -> list[Fact]:
    """What a turn at the end of the path may know of the user, best first."""
    across = Preferences(tx).of(question.owner).facts_across_conversations
    return Facts(tx).visible(question.owner, question.conversation_id, path, FACTS_READ, across=across)


def _add_long_term(context: _Context, facts: Sequence[Fact], live: Sequence[Episode]) -> None:
    """Adds facts and live episodes as one system message."""
    told = long_term(facts, live, context.room // 3 - MESSAGE_TOKENS)
    _note(context, "facts", told.facts)
    _note(context, "episodes", told.episodes)
    if told.text is not None:
        context.messages.append(ContextMessage(role="system", content=told.text))
        context.room -= estimate_tokens(told.text) + MESSAGE_TOKENS


def _note(context: _Context, kind: Literal["facts", "episodes"], shown: Shown) -> None:
    for parts, lines, reason in (
        (context.parts, shown.kept, "long-term memory"),
        (context.dropped, shown.dropped, "over the budget"),
    ):
        if lines:
            tokens = sum(line.tokens for line in lines)
            parts.append(ContextPart(kind=kind, ids=[line.id for line in lines], tokens=tokens, reason=reason))


def _add_recall(context: _Context, found: Recall) -> None:
    for rank, each in enumerate(found.chosen, start=1):
        context.parts.append(
            ContextPart(
                kind="recall",
                ids=[each.turn_id],
                tokens=each.tokens,
                reason=f"match {rank} of the question",
                score=each.score,
            )
        )
    if found.dropped:
        context.dropped.append(
            ContextPart(
                kind="recall",
                ids=[each.turn_id for each in found.dropped],
                tokens=sum(each.tokens for each in found.dropped),
                reason="matches, over the budget",
            )
        )
    if found.chosen:
        context.recall = found.text
        context.room -= FRAME_TOKENS + sum(each.tokens for each in found.chosen)


def _say(messages: list[ContextMessage], role: Literal["user", "assistant"], text: str) -> None:
    """Roles alternate: what the same one goes on to say, with results of tools in between, is one message."""
    if not text.strip():
        return
    if messages and messages[-1].role == role:
        text = f"{messages.pop().content}\n\n{text}"
    messages.append(ContextMessage(role=role, content=text))


def _cost(tokens: int) -> int:
    """Of a turn as two messages."""
    return tokens + 2 * MESSAGE_TOKENS
