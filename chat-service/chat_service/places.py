"""Where a turn goes: its conversation, the turn it follows, the exchange of calls and results that it goes on with."""

from dataclasses import dataclass

from chassis.database import Transaction
from chassis.ids import new_id
from chat_service.inputs import answers_calls_of_others, assistant_text, calls_in, has_images, user_text
from chat_service.ownership import owned_conversation, owned_response
from chat_service.problems import ConversationBusy, ResponseNotFound, ToolCallNotFound
from chat_service.stores.conversation_aliases import ConversationAliases
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse

LONGEST_EXCHANGE = 64
"""Turns of one exchange: a question, calls of functions and what they returned."""
TOLD_TURNS = 32
"""So far back a program may go that asks again or edits; it says so by what it tells of the talk."""
IMAGE_TURNS = 4
"""For how many turns an image can be asked about without being sent again."""


@dataclass(frozen=True)
class Told:
    """What a program that keeps the talk itself says of it: the last exchange, nothing of it at the beginning, and
    what the user says now."""

    user: str | None
    assistant: str | None
    now: str


@dataclass(frozen=True)
class Target:
    """What a request names as the place of its turn; at most one of them, nothing opens a conversation.

    `alias` is another program's name for a conversation, which is opened under it when it is not known. Where the
    conversation goes on is where what was `told` of it ends, if that is known.
    """

    conversation_id: str | None = None
    alias: str | None = None
    previous_response_id: str | None = None
    replaces: str | None = None
    told: Told | None = None


@dataclass(frozen=True)
class Place:
    """Where a turn goes. `is_new` means that its conversation has yet to be stored."""

    conversation: StoredConversation | None
    parent: StoredResponse | None
    is_new: bool = False

    @property
    def conversation_id(self) -> str | None:
        """Of a turn that is kept nowhere there is none."""
        return self.conversation.id if self.conversation else None

    @property
    def depth(self) -> int:
        """From 1."""
        return self.parent.depth + 1 if self.parent else 1

    @property
    def parent_id(self) -> str | None:
        """Of the turn that it follows."""
        return self.parent.id if self.parent else None

    def image_depth(self, items: list[Item]) -> int | None:
        """How deep the newest turn with images is, if these items go in here."""
        if has_images(items):
            return self.depth
        return self.parent.image_depth if self.parent else None


def find_place(tx: Transaction, owner: str, target: Target, *, stored: bool, now: float) -> Place:
    """Writes nothing. Raises `ConversationNotFound`, `ResponseNotFound`, `ConversationBusy`."""
    if conversation_id := target.conversation_id or _known_as(tx, owner, target.alias):
        conversation = owned_conversation(tx, owner, conversation_id)
        tip = Responses(tx).node(owner, conversation.tip_id) if conversation.tip_id else None
        if tip and target.told and tip.status != "in_progress":
            tip = _where_told(tx, tip, target.told)
        return Place(conversation, _to_follow(tx, tip))
    if target.previous_response_id:
        previous = _named(tx, owner, target.previous_response_id, "previous_response_id")
        return Place(_conversation_of(tx, previous), _to_follow(tx, previous))
    if target.replaces:
        replaced = _named(tx, owner, target.replaces, "replaces")
        parent = Responses(tx).node(owner, replaced.parent_id) if replaced.parent_id else None
        return Place(_conversation_of(tx, replaced), _to_follow(tx, parent))
    if not stored:
        return Place(None, None)
    return Place(new_conversation(owner, now), None, is_new=True)


def new_conversation(owner: str, now: float) -> StoredConversation:
    """One that has yet to be stored."""
    return StoredConversation(id=new_id("conv"), owner=owner, metadata={}, tip_id=None, created_at=now, updated_at=now)


def exchange_before(tx: Transaction, parent_id: str | None) -> list[str]:
    """Ids of the turns that a turn which brings results goes on with, the one that asked first."""
    return Responses(tx).exchange(parent_id, LONGEST_EXCHANGE) if parent_id else []


def called_before(tx: Transaction, place: Place, items: list[Item]) -> list[Item]:
    """The exchange that the items go on with, in its order, if they bring results of calls that it made.

    Raises `ToolCallNotFound` for results of other calls.
    """
    foreign = answers_calls_of_others(items)
    if not foreign:
        return []
    before = [item for response_id in exchange_before(tx, place.parent_id) for item in Items(tx).of(response_id)]
    if foreign - calls_in(before):
        raise ToolCallNotFound()
    return before


def _known_as(tx: Transaction, owner: str, alias: str | None) -> str | None:
    return ConversationAliases(tx).find(owner, alias) if alias else None


def _where_told(tx: Transaction, tip: StoredResponse, told: Told) -> StoredResponse | None:
    """The newest turn that ends as was told, the tip if none does; none at all if the first one is asked for again."""
    path = Responses(tx).path(tip.owner, tip.id, TOLD_TURNS)
    if told.assistant is None:
        return None if len(path) == 1 and told.now == _texts(tx, tip.id)[0] else tip
    for response_id in path:
        if _texts(tx, response_id) == (told.user, told.assistant):
            return Responses(tx).node(tip.owner, response_id)
    return tip


def _texts(tx: Transaction, response_id: str) -> tuple[str, str]:
    items = Items(tx)
    return user_text(items.of(response_id, "input")).strip(), assistant_text(items.of(response_id, "output")).strip()


def _named(tx: Transaction, owner: str, response_id: str, param: str) -> StoredResponse:
    response = owned_response(tx, owner, response_id, param)
    if not response.stored:
        raise ResponseNotFound(param=param)
    return response


def _conversation_of(tx: Transaction, response: StoredResponse) -> StoredConversation | None:
    return Conversations(tx).find(response.owner, response.conversation_id) if response.conversation_id else None


def _to_follow(tx: Transaction, response: StoredResponse | None) -> StoredResponse | None:
    """The response to go on from; a failed one is passed over, so that it never has children."""
    if response is None:
        return None
    if response.status == "in_progress":
        raise ConversationBusy(response.id)
    if response.status == "failed":
        return Responses(tx).node(response.owner, response.parent_id) if response.parent_id else None
    return response
