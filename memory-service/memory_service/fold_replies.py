"""Judges what the summariser replied. Nothing of a reply is kept that is not borne out by the turns it is about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memory_service.passages import pieces
from memory_service.quoting import find_quote
from memory_service.schemas.facts import LONGEST_FACT, Kind, is_plain
from memory_service.stores.fact_sources import Source
from memory_service.stores.facts import ACTIVE, PROPOSED
from memory_service.stores.turns import Turn
from memory_service.unwanted import STOCK_STEMS
from memory_service.words import alike_stems, content_stems, overlap

SUMMARY_OVERLAP = 0.3
FACT_OVERLAP = 0.4
"""Share of a text's content that its source must have too; a fact below it is only proposed."""
REPORTING_STEMS = STOCK_STEMS | content_stems(
    "user work live call name like love prefer want wish plan need use own enjoy know say tell mention ask old year"
)
"""What summarisers put into the words of others, whoever else says it."""
QUESTION_MARKS = ("?", "？", "؟")
SUMMARY_TOKENS = 150
MOST_FACTS = 20
MOST_REPLACED = 3
"""So many facts one may contradict: a summariser that names them all is lying, or was told to."""
_CHATTER = re.compile(
    r"\W*(hello|hi|hey|sure|certainly|of course|i'm sorry|i am sorry|i can't|i cannot|how can i)\b", re.I
)


class BadReply(Exception):
    """The reply is refused; `code` says why. The turns stay where they are."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Quote(_Reply):
    turn_id: str
    text: str


class _Fact(_Reply):
    text: str
    kind: Kind
    priority: int = Field(ge=0, le=10)
    turn_ids: list[str] = Field(min_length=1)
    quote: str
    replaces: list[str] = []


class _Merge(_Reply):
    summary: str
    priority_score: int = Field(ge=0, le=10)


class _Fold(_Merge):
    quote: _Quote
    facts: list[_Fact]


@dataclass(frozen=True)
class Summary:
    """A summary that is about its source."""

    text: str
    priority: int


@dataclass(frozen=True)
class StatedFact:
    """A fact that the user's own words bear out, or (`proposed`) do only in part; `replaces` names known facts."""

    text: str
    kind: str
    priority: int
    status: str
    sources: list[Source]
    replaces: Sequence[str] = ()


@dataclass(frozen=True)
class AcceptedFold:
    """What of a fold's reply is kept. There is no quote where the user typed nothing."""

    summary: Summary
    quote: Source | None
    facts: list[StatedFact]


def read_fold(reply: str, turns: Sequence[Turn]) -> AcceptedFold:
    """The reply to a fold of these turns. Raises `BadReply`."""
    try:
        fold = _Fold.model_validate_json(reply)
    except ValidationError:
        raise BadReply("not_the_schema") from None
    by_id = {turn.id: turn for turn in turns}
    said = "\n".join(f"{turn.user_text}\n{turn.assistant_text}" for turn in turns)
    facts = [_stated(fact, by_id) for fact in fold.facts[:MOST_FACTS]]
    return AcceptedFold(
        summary=_summary(fold, said),
        quote=_quote(fold.quote, by_id),
        facts=[fact for fact in facts if fact],
    )


def read_merge(reply: str, summaries: Sequence[str]) -> Summary:
    """The reply to a merge of these summaries. Raises `BadReply`."""
    try:
        merge = _Merge.model_validate_json(reply)
    except ValidationError:
        raise BadReply("not_the_schema") from None
    return _summary(merge, "\n".join(summaries))


def _summary(reply: _Merge, source: str) -> Summary:
    text = _in_one_line(reply.summary)
    if not text or _CHATTER.match(text):
        raise BadReply("not_a_summary")
    if content_stems(source) and overlap(text, source) < SUMMARY_OVERLAP:
        raise BadReply("not_about_the_turns")
    start, stop = next(pieces(text, SUMMARY_TOKENS))
    return Summary(text[start:stop].strip(), reply.priority_score)


def _quote(quote: _Quote, turns: Mapping[str, Turn]) -> Source | None:
    if not any(turn.user_text.strip() for turn in turns.values()):
        return None
    named = turns.get(quote.turn_id)
    found = find_quote(named.user_text, quote.text) if named else None
    if found is None:
        raise BadReply("invented_quote")
    return Source(quote.turn_id, *found)


def _stated(fact: _Fact, turns: Mapping[str, Turn]) -> StatedFact | None:
    """None when the user did not say it: no named turn has the quote among the words the user typed."""
    text = _in_one_line(fact.text)
    named = [turns[turn_id] for turn_id in dict.fromkeys(fact.turn_ids) if turn_id in turns]
    spans = [(turn, find_quote(turn.user_text, fact.quote)) for turn in named]
    sources = [Source(turn.id, *span) for turn, span in spans if span]
    if not text or len(text) > LONGEST_FACT or not sources:
        return None
    said = "\n".join(turn.user_text for turn, span in spans if span and not _is_asked(turn.user_text, span))
    is_borne_out = overlap(text, said, STOCK_STEMS) >= FACT_OVERLAP and not _borrows_from_the_assistant(text, turns)
    status = ACTIVE if is_borne_out else PROPOSED
    return StatedFact(text, fact.kind, fact.priority, status, sources, fact.replaces[:MOST_REPLACED])


def _in_one_line(text: str) -> str:
    """Without what a user may not write into a fact either, though the model had it from what the user pasted."""
    return " ".join("".join(filter(is_plain, " ".join(text.split()))).split())


def _is_asked(text: str, span: tuple[int, int]) -> bool:
    """Whether the words are a question, which states nothing."""
    start, stop = span
    quoted = text[start:stop].rstrip().rstrip("\"'”’»)")
    return quoted.endswith(QUESTION_MARKS) or text[stop:].lstrip().startswith(QUESTION_MARKS)


def _borrows_from_the_assistant(text: str, turns: Mapping[str, Turn]) -> bool:
    """Whether a fact says something that nobody said but the assistant, who may have it from memory, or made it up."""
    answered = " ".join(turn.assistant_text for turn in turns.values())
    said = " ".join(turn.user_text for turn in turns.values())
    of_fact, of_answers, of_user = alike_stems(text, answered, said)
    return bool(of_fact & of_answers - of_user - REPORTING_STEMS)
