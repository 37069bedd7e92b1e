"""The archive takes in what happened: each turn is placed in its conversation's tree, indexed and counted."""

from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.events import Event
from chassis.owners import Owners
from chassis.tokens import estimate_tokens
from memory_service.folds import Folds
from memory_service.forgetting import erase_conversation
from memory_service.indexing import index_turn
from memory_service.problems import ConversationOfAnother, InvalidEvent
from memory_service.revising import Revising
from memory_service.schemas.events import ConversationDeleted, TurnEnded, TurnRevised
from memory_service.scrubbing import Scrubbing
from memory_service.stores.branches import Branches
from memory_service.stores.conversations import Conversation, Conversations, Tombstones
from memory_service.stores.episodes import Episodes
from memory_service.stores.turns import FORGOTTEN, Turn, Turns, husk_of
from memory_service.topics import was_forgotten

SITTING_SECONDS = 2 * 3600.0
"""A longer pause begins a new sitting; retrieval prefers turns of one sitting."""

Data = TypeVar("Data", bound=BaseModel)


@dataclass(frozen=True)
class _Place:
    branch: int
    depth: int


class Archive:
    """Handlers of chat's events; each runs in the inbox's transaction."""

    def __init__(self, folds: Folds, scrubbing: Scrubbing, clock: Clock) -> None:
        self._folds = folds
        self._scrubbing = scrubbing
        self._revising = Revising(folds, scrubbing)
        self._clock = clock

    def conversation_deleted(self, tx: Transaction, event: Event) -> None:
        """Erases all of it and lets nothing of it come back."""
        deleted = _data(ConversationDeleted, event)
        conversation = Conversations(tx).find(deleted.conversation_id)
        if conversation and conversation.owner != Owners(tx).present(deleted.owner):
            raise ConversationOfAnother()
        Tombstones(tx).set(deleted.conversation_id, self._clock())
        if conversation:
            erase_conversation(tx, conversation.id)
            self._scrubbing.owe(tx)

    def turn_revised(self, tx: Transaction, event: Event) -> None:
        """Replaces what a turn said, or empties it. What was forgotten on purpose or deleted does not come back."""
        revised = _data(TurnRevised, event)
        turn = Turns(tx).find(revised.turn_id)
        if turn is None or turn.status == FORGOTTEN:
            return
        if (turn.owner, turn.conversation_id) != (Owners(tx).present(revised.owner), revised.conversation_id):
            raise ConversationOfAnother()
        new = _revised(turn, revised)
        if new != turn:
            self._revising.revise(tx, turn, new)

    def turn_ended(self, tx: Transaction, event: Event) -> None:
        """Archives a turn; one with an answer also enters the index and the short-term buffer."""
        ended = _data(TurnEnded, event)
        owners = Owners(tx)
        if Tombstones(tx).stands_on(ended.conversation_id) or Turns(tx).find(ended.turn_id):
            return
        if owners.is_erased(ended.owner):
            return
        ended = ended.model_copy(update={"owner": owners.present(ended.owner)})
        conversation = Conversations(tx).open(ended.conversation_id, ended.owner)
        if conversation.owner != ended.owner:
            raise ConversationOfAnother()
        parent = _parent(tx, ended)
        turn = _turn(ended, _place(tx, ended, parent), parent)
        if _was_forgotten(tx, turn, conversation):
            turn = husk_of(turn)
        Turns(tx).add(turn)
        branches = Branches(tx)
        branches.link_orphans(turn.id, turn.branch, turn.depth)
        branches.extend(turn.branch, turn.depth)
        Conversations(tx).activate(turn.conversation_id, turn.branch)
        if turn.remembered:
            index_turn(tx, turn)
            branches.buffer(turn.branch, turn.tokens, opens=turn.opens)
            self._folds.owe_if_due(tx, turn.branch)


def _data(kind: type[Data], event: Event) -> Data:
    try:
        return kind.model_validate(event.data)
    except ValidationError:
        raise InvalidEvent() from None


def _parent(tx: Transaction, ended: TurnEnded) -> Turn | None:
    """The turn it continues from; None at the root, and when that turn was never delivered."""
    parent = Turns(tx).find(ended.parent_id) if ended.parent_id else None
    return parent if parent and parent.conversation_id == ended.conversation_id else None


def _place(tx: Transaction, ended: TurnEnded, parent: Turn | None) -> _Place:
    """On its parent's branch if it is the first to continue from it, else on a new one."""
    branches = Branches(tx)
    if parent is None:
        above = ended.depth - 1 if ended.parent_id else 0
        opened = branches.open(ended.conversation_id, parent=None, parent_turn_id=ended.parent_id, fork_depth=above)
        return _Place(opened, above + 1)
    branch = branches.get(parent.branch)
    if branch.tip_depth == parent.depth:
        return _Place(branch.id, parent.depth + 1)
    opened = branches.open(ended.conversation_id, parent=branch.id, parent_turn_id=parent.id, fork_depth=parent.depth)
    path = branches.path(branch.id, parent.depth)
    folded = Episodes(tx).folded_through(path, branch.folded_through)
    unfolded = Turns(tx).count(path, folded, parent.depth)
    branches.inherit(
        opened,
        folded_through=folded,
        turns=unfolded.exchanges,
        tokens=unfolded.tokens,
        smoothed_tokens=branch.smoothed_tokens,
    )
    return _Place(opened, parent.depth + 1)


def _was_forgotten(tx: Transaction, turn: Turn, conversation: Conversation) -> bool:
    """Whether the conversation, or a topic of the turn, was forgotten on purpose since it was said."""
    all_of_it = conversation.forgotten_at is not None and turn.ended_at <= conversation.forgotten_at
    return all_of_it or was_forgotten(tx, turn)


def _turn(ended: TurnEnded, place: _Place, parent: Turn | None) -> Turn:
    user_text, assistant_text = ended.user_text, ended.assistant_text
    same_sitting = parent is not None and ended.created_at - parent.ended_at <= SITTING_SECONDS
    return Turn(
        id=ended.turn_id,
        owner=ended.owner,
        conversation_id=ended.conversation_id,
        branch=place.branch,
        depth=place.depth,
        status=ended.status,
        remembered=_is_worth_remembering(ended.status, user_text, assistant_text),
        user_text=user_text,
        assistant_text=assistant_text,
        file_ids=ended.file_ids,
        model=ended.model,
        tokens=estimate_tokens(user_text) + estimate_tokens(assistant_text),
        created_at=ended.created_at,
        ended_at=ended.ended_at,
        session_at=parent.session_at if parent and same_sitting else ended.created_at,
    )


def _revised(turn: Turn, revised: TurnRevised) -> Turn:
    user_text, assistant_text = revised.user_text, revised.assistant_text
    is_empty = not user_text and not assistant_text
    return replace(
        turn,
        remembered=_is_worth_remembering(turn.status, user_text, assistant_text),
        user_text=user_text,
        assistant_text=assistant_text,
        file_ids=[] if is_empty else turn.file_ids,
        model=None if is_empty else turn.model,
        tokens=estimate_tokens(user_text) + estimate_tokens(assistant_text),
    )


def _is_worth_remembering(status: str, user_text: str, assistant_text: str) -> bool:
    """A turn without words is not, nor one that failed; one that was stopped or cut is, if it said something."""
    if status == "completed":
        return bool(user_text.strip() or assistant_text.strip())
    return status != "failed" and bool(assistant_text.strip())
