"""What a client brings of a talk that was held elsewhere: it becomes turns that have ended, and no model answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chat_service import inputs
from chat_service.attachments import Attachments
from chat_service.memory_events import MemoryEvents
from chat_service.places import Place, items_of_exchange
from chat_service.problems import ToolCallNotFound, UnsupportedParameter
from chat_service.schemas.items import AnyItem
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.titles import first_words

NO_MODEL = "client"


@dataclass
class BroughtTurn:
    """A message of the user with what precedes it, and what was answered."""

    input: list[Item] = field(default_factory=list)
    output: list[Item] = field(default_factory=list)


def turns_of(items: Sequence[Item]) -> list[BroughtTurn]:
    """A turn for each message of the user, and for whatever follows an answer."""
    turns: list[BroughtTurn] = []
    for item in items:
        answers = item.get("role") == "assistant" or item["type"] == "function_call"
        if not turns or (not answers and _is_begun(turns[-1], item)):
            turns.append(BroughtTurn())
        (turns[-1].output if answers else turns[-1].input).append(item)
    return turns


def _is_begun(turn: BroughtTurn, item: Item) -> bool:
    """Whether `item` is too late for the input of that turn."""
    both_ask = item.get("role") == "user" and any(earlier.get("role") == "user" for earlier in turn.input)
    return bool(turn.output) or both_ask


class BroughtItems:
    """Reads and stores what clients bring."""

    def __init__(
        self, attachments: Attachments, memory_events: MemoryEvents, max_characters: int, clock: Clock
    ) -> None:
        self._attachments = attachments
        self._memory_events = memory_events
        self._max_characters = max_characters
        self._clock = clock

    async def read(self, caller: Principal, given: Sequence[AnyItem]) -> list[Item]:
        """The items as they are stored; their files are the caller's own.

        Raises `UnsupportedParameter`, `InputTooLong` and what `Attachments.admit` does.
        """
        items = inputs.read_items(given)
        if any(item["type"] == "item_reference" for item in items):
            raise UnsupportedParameter("items", "What is brought to a conversation cannot stand for another item.")
        inputs.refuse_too_long(items, self._max_characters)
        await self._attachments.admit(items, caller)
        return items

    def store(self, tx: Transaction, caller: Principal, place: Place, items: Sequence[Item]) -> None:
        """Appends the items at a place, turn by turn, and tells memory of each. Raises `ToolCallNotFound`."""
        assert place.conversation is not None
        parent = place.parent
        for brought in turns_of(items):
            parent = self._add(tx, caller, place.conversation, parent, brought)

    def _add(
        self,
        tx: Transaction,
        caller: Principal,
        conversation: StoredConversation,
        parent: StoredResponse | None,
        brought: BroughtTurn,
    ) -> StoredResponse:
        returned = inputs.answers_calls_of_others(brought.input)
        if returned - inputs.calls_in(items_of_exchange(tx, parent.id if parent else None)):
            raise ToolCallNotFound()
        now = self._clock()
        turn = _turn(caller, conversation, parent, brought, now)
        Responses(tx).add(turn)
        Items(tx).add(turn.id, "input", brought.input)
        Items(tx).add(turn.id, "output", brought.output)
        Conversations(tx).move_tip(turn.owner, conversation.id, turn.id, now, title=turn.preview)
        self._memory_events.turn_ended(tx, turn, brought.input, brought.output)
        return turn


def _turn(
    caller: Principal,
    conversation: StoredConversation,
    parent: StoredResponse | None,
    brought: BroughtTurn,
    now: float,
) -> StoredResponse:
    depth = parent.depth + 1 if parent else 1
    return StoredResponse(
        id=new_id("resp"),
        owner=caller.user_id,
        conversation_id=conversation.id,
        parent_id=parent.id if parent else None,
        depth=depth,
        continues=bool(inputs.answers_calls_of_others(brought.input)),
        image_depth=depth if inputs.has_images(brought.input) else parent.image_depth if parent else None,
        status="completed",
        model=NO_MODEL,
        mode=None,
        model_id=NO_MODEL,
        stored=True,
        key_id=caller.key_id,
        runner=NO_MODEL,
        request={},
        has_log=False,
        preview=first_words(inputs.user_text(brought.input)),
        created_at=now,
        ended_at=now,
    )
