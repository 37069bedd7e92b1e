"""What a client brings of a talk that was held elsewhere: it becomes turns that have ended, and no model answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chat_service import inputs
from chat_service.attachments import Attachments
from chat_service.memory_events import MemoryEvents
from chat_service.places import Place, called_before
from chat_service.problems import UnsupportedParameter
from chat_service.schemas.items import AnyItem
from chat_service.stores.conversations import Conversations
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
        for brought in turns_of(items):
            place = replace(place, parent=self._add(tx, caller, place, brought))

    def _add(self, tx: Transaction, caller: Principal, place: Place, brought: BroughtTurn) -> StoredResponse:
        now = self._clock()
        continues = bool(called_before(tx, place, brought.input))
        turn = _turn(caller, place, brought, continues, now)
        Responses(tx).add(turn)
        Items(tx).add(turn.id, "input", brought.input)
        Items(tx).add(turn.id, "output", brought.output)
        assert place.conversation_id is not None  # what is brought, is brought to a conversation
        Conversations(tx).move_tip(turn.owner, place.conversation_id, turn.id, now, title=turn.preview)
        self._memory_events.turn_ended(tx, turn, brought.input, brought.output)
        return turn


def _turn(caller: Principal, place: Place, brought: BroughtTurn, continues: bool, now: float) -> StoredResponse:
    return StoredResponse(
        id=new_id("resp"),
        owner=caller.user_id,
        conversation_id=place.conversation_id,
        parent_id=place.parent_id,
        depth=place.depth,
        continues=continues,
        image_depth=place.image_depth(brought.input),
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
