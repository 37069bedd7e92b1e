"""What a turn has to pass to be accepted, and the one transaction that accepts it."""

from dataclasses import dataclass, replace

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.owners import Owners
from chat_service import inputs
from chat_service.answer import Answer
from chat_service.attachments import Attachments
from chat_service.models import Catalogue
from chat_service.problems import (
    ConversationBusy,
    ConversationNotFound,
    IdempotencyKeyReused,
    ItemNotFound,
    ResponseNotFound,
)
from chat_service.responses import describe
from chat_service.schemas.responses import CreateResponse
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.idempotency_keys import IdempotencyKeys
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents


@dataclass(frozen=True)
class Place:
    """Where a turn goes: its conversation, the turn it follows and its depth."""

    conversation_id: str | None
    parent: StoredResponse | None

    @property
    def depth(self) -> int:
        """From 1."""
        return self.parent.depth + 1 if self.parent else 1


@dataclass(frozen=True)
class Repeatable:
    """An Idempotency-Key, and the hash of the body it came with, byte for byte."""

    key: str
    body_hash: str


@dataclass(frozen=True)
class Asking:
    """A request that was read and found good, before anything of it is stored."""

    caller: Principal
    asked: CreateResponse
    items: list[Item]
    repeatable: Repeatable | None

    @property
    def owner(self) -> str:
        """Who asks."""
        return self.caller.user_id

    @property
    def is_stored(self) -> bool:
        """Unless the request says otherwise."""
        return self.asked.store is not False

    @property
    def has_references(self) -> bool:
        """Whether items stand in for earlier ones."""
        return any(item["type"] == "item_reference" for item in self.items)


@dataclass(frozen=True)
class Accepted:
    """A turn that is stored: `answer` has told `events`, the first of its log, and goes on from there."""

    turn: StoredResponse
    items: list[Item]
    answer: Answer
    events: list[bytes]


class Admission:
    """Everything that can be refused is refused before anything is stored.

    `runner` names this boot of the process: whose responses are whose after a crash.
    """

    def __init__(
        self, catalogue: Catalogue, attachments: Attachments, runner: str, max_characters: int, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._attachments = attachments
        self._runner = runner
        self._max_characters = max_characters
        self._clock = clock

    def read(self, caller: Principal, asked: CreateResponse, repeatable: Repeatable | None) -> Asking:
        """What is asked for. Raises what the request alone can be refused for."""
        inputs.refuse_unsupported(asked)
        self._catalogue.resolve(asked.model)
        return Asking(caller, asked, inputs.items_of(asked, self._max_characters), repeatable)

    def resolve(self, tx: Transaction, asking: Asking) -> Asking:
        """Puts copies of the messages in the place of references. Raises `ItemNotFound`, `InputTooLong`."""
        items: list[Item] = []
        for item in asking.items:
            if item["type"] != "item_reference":
                items.append(item)
            elif (found := Items(tx).owned(asking.owner, item["id"])) is None:
                raise ItemNotFound(param="input")
            elif found["type"] == "message":  # thoughts are passed over, as when they are sent
                items.append({**found, "id": new_id("msg")})
        inputs.refuse_too_long(items, self._max_characters)
        return replace(asking, items=items)

    async def check_files(self, asking: Asking) -> None:
        """Raises unless the turn may name its files."""
        await self._attachments.admit(asking.items, asking.caller)

    def accept(self, tx: Transaction, asking: Asking) -> Accepted:
        """Stores the turn, in progress, at its place in the conversation. Raises what the place refuses.

        Raises `Unauthenticated` when whoever asks is gone.
        """
        Owners(tx).refuse_departed(asking.owner)
        now = self._clock()
        turn = self._turn(asking, _place(tx, asking, now), now)
        answer = Answer()
        answer.begin(describe(turn, []))
        events = answer.events()
        Responses(tx).add(turn)
        Items(tx).add(turn.id, "input", asking.items)
        StreamEvents(tx).append(turn.id, 0, events)
        if repeatable := asking.repeatable:
            IdempotencyKeys(tx).add(turn.owner, repeatable.key, repeatable.body_hash, turn.id, now)
        if turn.stored and turn.conversation_id:
            Conversations(tx).move_tip(turn.owner, turn.conversation_id, turn.id, now)
        return Accepted(turn, asking.items, answer, events)

    def _turn(self, asking: Asking, place: Place, now: float) -> StoredResponse:
        asked = asking.asked
        mode, model_id = self._catalogue.resolve(asked.model)
        return StoredResponse(
            id=new_id("resp"),
            owner=asking.owner,
            conversation_id=place.conversation_id,
            parent_id=place.parent.id if place.parent else None,
            depth=place.depth,
            status="in_progress",
            model=asked.model,
            mode=mode.name if mode else None,
            model_id=model_id,
            stored=asking.is_stored,
            key_id=asking.caller.key_id,
            runner=self._runner,
            request=inputs.repeated(asked),
            created_at=now,
        )


def made_before(tx: Transaction, asking: Asking) -> StoredResponse | None:
    """The turn that this key made before. Raises `IdempotencyKeyReused` when it came with another request."""
    repeatable = asking.repeatable
    bound = IdempotencyKeys(tx).find(asking.owner, repeatable.key) if repeatable else None
    if repeatable is None or bound is None:
        return None
    if bound["body_hash"] != repeatable.body_hash:
        raise IdempotencyKeyReused()
    return Responses(tx).find(asking.owner, bound["response_id"])


def _place(tx: Transaction, asking: Asking, now: float) -> Place:
    """Raises `ConversationNotFound`, `ResponseNotFound`, `ConversationBusy`."""
    asked, owner = asking.asked, asking.owner
    if conversation_id := inputs.conversation_id(asked):
        conversation = Conversations(tx).find(owner, conversation_id)
        if conversation is None:
            raise ConversationNotFound()
        tip = Responses(tx).find(owner, conversation.tip_id) if conversation.tip_id else None
        return Place(conversation_id, _to_follow(tx, tip))
    if asked.previous_response_id:
        previous = Responses(tx).find(owner, asked.previous_response_id)
        if previous is None or not previous.stored:
            raise ResponseNotFound(param="previous_response_id")
        return Place(previous.conversation_id, _to_follow(tx, previous))
    if not asking.is_stored:
        return Place(None, None)
    return Place(_open_conversation(tx, owner, now), None)


def _to_follow(tx: Transaction, response: StoredResponse | None) -> StoredResponse | None:
    """The response to go on from; a failed one is passed over, so that it never has children."""
    if response is None:
        return None
    if response.status == "in_progress":
        raise ConversationBusy()
    if response.status == "failed":
        return Responses(tx).find(response.owner, response.parent_id) if response.parent_id else None
    return response


def _open_conversation(tx: Transaction, owner: str, now: float) -> str:
    conversation = StoredConversation(
        id=new_id("conv"), owner=owner, metadata={}, tip_id=None, created_at=now, updated_at=now
    )
    Conversations(tx).add(conversation)
    return conversation.id
