"""What crosses the wire: the events memory takes, the context it gives, and what a user sees of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _a_number(value: object) -> object:
    """JSON's `"5"` and `true` are no numbers, whatever Python makes of them."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Moment = Annotated[float, Field(ge=0, le=100_000_000_000, description="Seconds since the epoch.")]
Number = Annotated[int, BeforeValidator(_a_number)]
Status = Literal["completed", "incomplete", "cancelled", "failed"]


class TurnEnded(BaseModel):
    """Data of `turn.ended`."""

    owner: Id
    conversation_id: Id
    turn_id: Id
    parent_id: Id | None
    depth: int = Field(ge=1)
    status: Status
    user_text: str
    assistant_text: str
    file_ids: list[Id] = []
    model: str | None = None
    created_at: Moment
    ended_at: Moment


class TurnRevised(BaseModel):
    """Data of `turn.revised`: its texts from now on. Without any the turn is an empty node."""

    owner: Id
    conversation_id: Id
    turn_id: Id
    user_text: str
    assistant_text: str


class ConversationDeleted(BaseModel):
    """Data of `conversation.deleted`."""

    owner: Id
    conversation_id: Id


class ContextQuestion(BaseModel):
    """Body of `POST /internal/context`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Id
    conversation_id: Id
    tail: list[Id] = Field(max_length=64, description="Ids of the newest turns on the path, newest first.")
    query: str = Field(max_length=1_000_000)
    token_budget: Number = Field(ge=0, le=10_000_000)


class ContextMessage(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class ContextPart(BaseModel):
    """What is in the context, or was left out, and why."""

    kind: Literal["facts", "episodes", "turn", "recall"]
    ids: list[str]
    tokens: int
    reason: str


class ContextAnswer(BaseModel):
    """Context of a turn, stable parts first; `recall` stands inside the user's new message."""

    known_through: str | None
    messages: list[ContextMessage]
    recall: str | None
    parts: list[ContextPart]
    dropped: list[ContextPart]
    tokens: int


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


class FoundTurn(BaseModel):
    """A turn that bears on the query; `user` and `assistant` are excerpts around the match."""

    object: Literal["memory.turn"] = "memory.turn"
    id: str
    conversation_id: str
    created_at: int
    user: str
    assistant: str
    score: float
