"""What a turn has to pass to be accepted, and the one transaction that accepts it."""

from dataclasses import dataclass, replace
from typing import Any

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.owners import Owners
from chat_service import inputs
from chat_service.allowances import Allowances
from chat_service.answer import Answer
from chat_service.attachments import Attachments
from chat_service.brought_items import NO_MODEL
from chat_service.models import Catalogue, Choice
from chat_service.ownership import owned_response
from chat_service.places import IMAGE_TURNS, Place, Target, Told, called_before, find_place
from chat_service.problems import ImagesNotSupported, InputMissing, ItemNotFound, ModelNotFound
from chat_service.repeats import Repeatable, Repeats
from chat_service.responses import describe
from chat_service.schemas.responses import CreateResponse
from chat_service.stores.conversation_aliases import ConversationAliases
from chat_service.stores.conversations import Conversations
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents
from chat_service.stores.user_settings import Preferences, UserSettings
from chat_service.titles import first_words

TAKEN_AGAIN = (
    "instructions",
    "temperature",
    "top_p",
    "max_output_tokens",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
)
"""Parameters that a turn without input has in common with the one it replaces, unless it says otherwise."""


@dataclass(frozen=True)
class Asking:
    """A request that was read and found good, before anything of it is stored."""

    caller: Principal
    asked: CreateResponse
    items: list[Item]
    target: Target
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
    def is_complete(self) -> bool:
        """Unless items stand in for earlier ones, or what went into an earlier turn is to be taken again."""
        return bool(self.items) and all(item["type"] != "item_reference" for item in self.items)


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
        self,
        catalogue: Catalogue,
        attachments: Attachments,
        allowances: Allowances,
        repeats: Repeats,
        runner: str,
        max_characters: int,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._attachments = attachments
        self._allowances = allowances
        self._repeats = repeats
        self._runner = runner
        self._max_characters = max_characters
        self._clock = clock

    def read(
        self,
        caller: Principal,
        asked: CreateResponse,
        repeatable: Repeatable | None,
        *,
        alias: str | None = None,
        told: Told | None = None,
    ) -> Asking:
        """What is asked for; `alias` is another program's name for the conversation, `told` what it says of it.

        Raises what the request alone can be refused for.
        """
        inputs.refuse_unsupported(asked)
        if asked.model:
            self._catalogue.choose(asked.model, images=False)
        named = inputs.conversation_id(asked)
        target = Target(named, alias, asked.previous_response_id, asked.replaces, told)
        return Asking(caller, asked, inputs.items_of(asked, self._max_characters), target, repeatable)

    def complete(self, tx: Transaction, asking: Asking) -> Asking:
        """Puts copies of items in the place of references, and what went into a replaced turn in the place of nothing.

        Raises `ItemNotFound`, `ResponseNotFound`, `InputMissing`, `InputTooLong`.
        """
        if not asking.items:
            asking = _taken_again(tx, asking)
        items: list[Item] = []
        room = inputs.Room(self._max_characters)  # looked at with each: a thousand references may stand for gigabytes
        for item in asking.items:
            whole = item if item["type"] != "item_reference" else self._referred(tx, asking.owner, item["id"])
            if whole["type"] != "reasoning":  # thoughts are passed over, as when they are sent
                room.take(whole)
                items.append(whole)
        if not any(map(inputs.asks, items)):
            raise InputMissing()
        return replace(asking, items=items)

    def _referred(self, tx: Transaction, owner: str, item_id: str) -> Item:
        if (found := Items(tx).owned(owner, item_id)) is None:
            raise ItemNotFound(param="input")
        return _copy(found)

    async def check_files(self, asking: Asking) -> None:
        """Raises unless the turn may name its files."""
        await self._attachments.admit(asking.items, asking.caller)

    def accept(self, tx: Transaction, asking: Asking) -> Accepted:
        """Stores the turn, in progress, at its place in the conversation. Raises what the place refuses.

        Raises `Unauthenticated` when whoever asks is gone, and what the caller's allowance refuses.
        """
        Owners(tx).refuse_departed(asking.owner)
        now = self._clock()
        place, turn = self.plan(tx, asking, now)
        self._allowances.admit(tx, asking.caller)
        answer = Answer()
        answer.begin(describe(turn, []))
        events = answer.events()
        if place.is_new and place.conversation:
            Conversations(tx).add(place.conversation)
            if asking.target.alias:
                ConversationAliases(tx).add(turn.owner, asking.target.alias, place.conversation.id)
        Responses(tx).add(turn)
        Items(tx).add(turn.id, "input", asking.items)
        StreamEvents(tx).append(turn.id, 0, events)
        if asking.repeatable:
            self._repeats.remember(tx, asking.caller, asking.repeatable, turn)
        if turn.stored and turn.conversation_id:
            Conversations(tx).move_tip(turn.owner, turn.conversation_id, turn.id, now, title=turn.preview)
        return Accepted(turn, asking.items, answer, events)

    def plan(self, tx: Transaction, asking: Asking, now: float) -> tuple[Place, StoredResponse]:
        """The turn as it would be stored, and where; writes nothing. Raises what the place refuses."""
        place = find_place(tx, asking.owner, asking.target, stored=asking.is_stored, now=now)
        exchange = called_before(tx, place, asking.items)
        return place, self._turn(asking, exchange, place, UserSettings(tx).find(asking.owner), now)

    def _turn(
        self, asking: Asking, exchange: list[Item], place: Place, preferences: Preferences, now: float
    ) -> StoredResponse:
        """`exchange` is what the turn goes on with: it is sent again word for word, images included."""
        asked, image_depth = asking.asked, place.image_depth(asking.items)
        images_ago = place.depth - image_depth if image_depth else None
        name = asked.model or self._name(place, preferences)
        choice = self._choose(name, 0 if inputs.has_images(exchange) else images_ago)
        request = inputs.echoed(asked)
        if place.conversation and place.conversation.instructions:
            request.setdefault("instructions", place.conversation.instructions)
        for parameter in ("temperature", "top_p"):
            if (value := getattr(preferences, parameter)) is not None:
                request.setdefault(parameter, value)
        return StoredResponse(
            id=new_id("resp"),
            owner=asking.owner,
            conversation_id=place.conversation_id,
            parent_id=place.parent_id,
            depth=place.depth,
            continues=bool(exchange),
            image_depth=image_depth,
            status="in_progress",
            model=name,
            mode=choice.mode.name if choice.mode else None,
            model_id=choice.model.id,
            stored=asking.is_stored,
            key_id=asking.caller.key_id,
            runner=self._runner,
            request=request,
            preview=first_words(inputs.user_text(asking.items)),
            created_at=now,
        )

    def _choose(self, name: str, images_ago: int | None) -> Choice:
        """A model that can look at the images of this turn, or, if it can, at those of the turns just before."""
        if images_ago is None or images_ago >= IMAGE_TURNS:
            return self._catalogue.choose(name, images=False)
        try:
            return self._catalogue.choose(name, images=True)
        except ImagesNotSupported:
            if images_ago == 0:
                raise
            return self._catalogue.choose(name, images=False)

    def _name(self, place: Place, preferences: Preferences) -> str:
        """What a turn goes by that names no model; what its user once chose may not be on offer any more."""
        if place.conversation and place.conversation.model:
            return place.conversation.model
        try:
            self._catalogue.choose(preferences.default_mode, images=False)
        except ModelNotFound:
            return Preferences().default_mode
        return preferences.default_mode


def _taken_again(tx: Transaction, asking: Asking) -> Asking:
    """The request with the input, the model and the parameters of the turn that it replaces."""
    replaced = owned_response(tx, asking.owner, asking.target.replaces or "", "replaces")
    before: dict[str, Any] = {name: replaced.request[name] for name in TAKEN_AGAIN if name in replaced.request}
    given = asking.asked.model_dump(exclude_none=True, by_alias=True)
    model = None if replaced.model == NO_MODEL else replaced.model
    asked = CreateResponse.model_validate({"model": model, **before, **given})
    items = [_copy(item) for item in Items(tx).of(replaced.id, "input")]
    return replace(asking, asked=asked, items=items)


def _copy(item: Item) -> Item:
    """The same under an id of its own."""
    return {**item, "id": new_id(item["id"].partition("_")[0])}
