"""Conversations: opened, listed, described, added to, deleted for good. What is on their branches is in `branches`."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.owners import Owners
from chassis.pages import PageQuery
from chat_service.brought_items import BroughtItems
from chat_service.generation import Generations
from chat_service.memory_events import MemoryEvents
from chat_service.models import Catalogue
from chat_service.ownership import owned_conversation
from chat_service.places import Place, Target, find_place, new_conversation
from chat_service.problems import ResponseNotFound
from chat_service.repeats import Repeatable, bind_key, key_bound
from chat_service.schemas.items import AnyItem
from chat_service.stores.conversations import ConversationFilter, Conversations, StoredConversation
from chat_service.stores.items import Item
from chat_service.stores.responses import Responses
from chat_service.titles import in_one_line

MOMENT = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
"""Seconds since the epoch, in a cursor."""


class ConversationBook:
    """Conversations of users. A foreign conversation and a missing one raise the same `ConversationNotFound`.

    For a user who is gone nothing is changed: `Unauthenticated`. What is said of a conversation (`changes`) goes by the
    names of the request's fields; what is not given stays as it is.
    """

    def __init__(
        self,
        database: Database,
        generations: Generations,
        catalogue: Catalogue,
        brought_items: BroughtItems,
        memory_events: MemoryEvents,
        clock: Clock,
    ) -> None:
        self._database = database
        self._generations = generations
        self._catalogue = catalogue
        self._brought_items = brought_items
        self._memory_events = memory_events
        self._clock = clock

    async def open(
        self, caller: Principal, changes: Mapping[str, Any], given: Sequence[AnyItem], repeatable: Repeatable
    ) -> StoredConversation:
        """A new conversation, with what was said elsewhere; a repeated key gives the one it first made.

        Raises what `BroughtItems` does, `ModelNotFound`, `IdempotencyKeyReused`.
        """
        self._refuse_unknown_model(changes)
        items = await self._brought_items.read(caller, given)

        def write(tx: Transaction) -> StoredConversation:
            Owners(tx).refuse_departed(caller.user_id)
            if made := key_bound(tx, caller.user_id, repeatable):
                return owned_conversation(tx, caller.user_id, made.result_id)
            conversation = new_conversation(caller.user_id, self._clock())
            conversation = self._changed(tx, conversation, changes)
            Conversations(tx).add(conversation)
            bind_key(tx, caller.user_id, repeatable, conversation.id, now=conversation.created_at)
            self._brought_items.store(tx, caller, Place(conversation, None), items)
            return owned_conversation(tx, caller.user_id, conversation.id)

        return await self._database.write(write)

    async def find(self, owner: str, conversation_id: str) -> StoredConversation:
        """One conversation."""
        return await self._database.read(lambda tx: owned_conversation(tx, owner, conversation_id))

    async def page(self, owner: str, page: PageQuery, only: ConversationFilter) -> list[StoredConversation]:
        """Up to `limit + 1` conversations; `after` is an id, or what `cursor` gave.

        Raises `ConversationNotFound` when an id alone does not say where it stands.
        """

        def read(tx: Transaction) -> list[StoredConversation]:
            after, moment = _read_cursor(tx, owner, page.after, only)
            return Conversations(tx).page(owner, page.model_copy(update={"after": after}), only, moment)

        return await self._database.read(read)

    async def describe(self, owner: str, conversation_id: str, changes: Mapping[str, Any]) -> StoredConversation:
        """Changes what is given. Raises `ModelNotFound`, and `ResponseNotFound` for an active one that is not in it."""
        self._refuse_unknown_model(changes)

        def write(tx: Transaction) -> StoredConversation:
            Owners(tx).refuse_departed(owner)
            conversation = self._changed(tx, owned_conversation(tx, owner, conversation_id), changes)
            Conversations(tx).describe(conversation)
            return conversation

        return await self._database.write(write)

    async def add(self, caller: Principal, conversation_id: str, given: Sequence[AnyItem]) -> list[Item]:
        """Appends to the active branch what was said elsewhere. Raises `ConversationBusy` while it is answered."""
        items = await self._brought_items.read(caller, given)

        def write(tx: Transaction) -> None:
            Owners(tx).refuse_departed(caller.user_id)
            target = Target(conversation_id)
            place = find_place(tx, caller.user_id, target, stored=True, now=self._clock())
            self._brought_items.store(tx, caller, place, items)

        await self._database.write(write)
        return items

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Deletes all of it, here at once and in memory as soon as the event arrives; stops what runs in it."""

        def write(tx: Transaction) -> list[str]:
            Owners(tx).refuse_departed(owner)
            running = Responses(tx).running_in(owned_conversation(tx, owner, conversation_id).id)
            Conversations(tx).delete(owner, conversation_id)
            self._memory_events.conversation_deleted(tx, owner, conversation_id)
            return running

        running = await self._database.write(write, frees_space=True)
        await asyncio.gather(*(self._generations.stop(response_id) for response_id in running))

    def _refuse_unknown_model(self, changes: Mapping[str, Any]) -> None:
        if name := changes.get("model"):
            self._catalogue.choose(name)

    def _changed(
        self, tx: Transaction, conversation: StoredConversation, changes: Mapping[str, Any]
    ) -> StoredConversation:
        """The conversation as it is to be. Raises `ResponseNotFound`."""
        now = self._clock()
        changed: dict[str, Any] = {name: changes[name] or None for name in ("instructions", "model") if name in changes}
        if "metadata" in changes:
            changed["metadata"] = changes["metadata"] or {}
        for name, column in (("archived", "archived_at"), ("pinned", "pinned_at")):
            if (is_so := changes.get(name)) is not None:
                changed[column] = (getattr(conversation, column) or now) if is_so else None
        if "title" in changes:
            changed |= _title(tx, conversation.id, changes["title"])
        if tip_id := changes.get("active_response_id"):
            chosen = Responses(tx).find(conversation.owner, tip_id)
            if chosen is None or not chosen.stored or chosen.conversation_id != conversation.id:
                raise ResponseNotFound(param="active_response_id")
            changed["tip_id"] = tip_id
        return replace(conversation, **changed)


def cursor(conversation: StoredConversation, only: ConversationFilter) -> str:
    """Where a list goes on: sorted by activity that is a moment too, for conversations move, and may be deleted."""
    return conversation.id if only.sort == "created" else f"{conversation.id}@{conversation.updated_at!r}"


def _read_cursor(
    tx: Transaction, owner: str, after: str | None, only: ConversationFilter
) -> tuple[str | None, float | None]:
    """The id that a list goes on after, and the moment at which it stands."""
    if after is None:
        return None, None
    conversation_id, _, moment = after.partition("@")
    if only.sort == "created":
        return conversation_id, None
    if MOMENT.fullmatch(moment):
        return conversation_id, float(moment)
    return conversation_id, owned_conversation(tx, owner, conversation_id).updated_at


def _title(tx: Transaction, conversation_id: str, given: str | None) -> dict[str, str | None]:
    """What the owner calls it; the first words again when that is nothing."""
    if given and (title := in_one_line(given)):
        return {"title": title, "title_from": "user"}
    words = Responses(tx).first_preview(conversation_id)
    return {"title": words, "title_from": "words" if words else None}
