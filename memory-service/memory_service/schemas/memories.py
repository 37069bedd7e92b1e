"""What a user sees of the memory: conversations, and what a search finds."""

from typing import Literal

from pydantic import BaseModel, Field

from memory_service.schemas.values import PointInTime


class BufferedTurn(BaseModel):
    turn_id: str
    user: str
    assistant: str
    created_at: int
    tokens: int


class ShortTerm(BaseModel):
    """The turns that are sent verbatim, oldest first."""

    k: int
    turns: list[BufferedTurn]
    tokens: int


class Interaction(BaseModel):
    """An episode: `verbatim_context` is quoted from the turn itself, the summary is the model's."""

    id: str
    timestamp: int
    summary: str
    verbatim_context: str
    priority_score: int
    turn_id: str | None = Field(description="The turn that is quoted.")
    level: int = Field(description="0: made of turns; more: merged from episodes of the level below.")


class FactSource(BaseModel):
    turn_id: str
    quote: str


class ImportantDetail(BaseModel):
    """A fact, with where the user said it."""

    id: str
    text: str
    kind: str
    priority: int
    sources: list[FactSource]


class LongTerm(BaseModel):
    interactions: list[Interaction]
    important_details: list[ImportantDetail]


class SummarizerState(BaseModel):
    """`waiting_for_key`: there is no model to fold with; `retrying`: the last try failed with `last_failure`."""

    state: Literal["idle", "working", "retrying", "waiting_for_key"]
    attempts: int
    last_failure: str | None
    next_try_at: int | None


class Statistics(BaseModel):
    turns: int
    folded_turns: int
    buffer_tokens: int
    tokens_per_turn: int = Field(description="Exponentially smoothed, prompt and answer.")
    fold_threshold_tokens: int
    folds_pending: int
    last_fold_at: int | None
    summarizer: SummarizerState


class ConversationMemory(BaseModel):
    """What is remembered of a conversation, on the path of its newest turn."""

    object: Literal["memory.conversation"] = "memory.conversation"
    id: str
    short_term: ShortTerm
    long_term: LongTerm
    statistics: Statistics


class ConversationForgotten(BaseModel):
    """The receipt: how much was erased."""

    object: Literal["memory.conversation.deleted"] = "memory.conversation.deleted"
    id: str
    deleted: Literal[True] = True
    turns: int
    episodes: int
    facts: int


class SearchQuery(BaseModel):
    """Parameters of `GET /v1/memory/search`."""

    q: str = Field(min_length=1, max_length=1000)
    conversation: str | None = Field(None, max_length=64, description="Only turns of this conversation.")
    since: PointInTime | None = Field(None, alias="from", description="Only turns that began then or later.")
    until: PointInTime | None = Field(None, alias="to", description="Only turns that began before.")
    role: Literal["user", "assistant"] | None = Field(None, description="Only what was said by the one or the other.")
    limit: int = Field(20, ge=1, le=100)


class FoundTurn(BaseModel):
    """A turn that bears on the query; `user` and `assistant` are excerpts around the match."""

    object: Literal["memory.turn"] = "memory.turn"
    id: str
    conversation_id: str
    created_at: int
    user: str
    assistant: str
    score: float
