"""What users delete of a conversation without deleting all of it: a turn, or an item of one.

A deleted turn stays as an empty node, so that what follows it keeps its place.
"""

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from chassis.problems import StorageUnavailable
from chat_service.inputs import user_text
from chat_service.memory_events import MemoryEvents
from chat_service.ownership import owned_conversation, owned_response
from chat_service.problems import ConversationBusy, ItemNotFound
from chat_service.stores.code_files import CodeFiles
from chat_service.stores.contexts import SentContexts
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.items import Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents
from chat_service.titles import first_words
from chat_service.turns import Turns


class Deletions:
    """What is gone is gone here at once, and in memory as soon as the event arrives."""

    def __init__(self, database: Database, turns: Turns, memory_events: MemoryEvents, clock: Clock) -> None:
        self._database = database
        self._turns = turns
        self._memory_events = memory_events
        self._clock = clock

    async def response(self, owner: str, response_id: str) -> None:
        """Deletes a turn; one that is being generated is stopped and settled first. Raises `ResponseNotFound`."""
        stopped = await self._turns.cancel(owner, response_id)
        if stopped["store"]:
            await self._database.write(lambda tx: self._empty(tx, owner, response_id), frees_space=True)

    async def item(self, owner: str, conversation_id: str, item_id: str) -> StoredConversation:
        """Deletes an item; returns its conversation. Raises `ConversationBusy` while its turn is answered."""
        return await self._database.write(
            lambda tx: self._take_out(tx, owner, conversation_id, item_id), frees_space=True
        )

    def _empty(self, tx: Transaction, owner: str, response_id: str) -> None:
        Owners(tx).refuse_departed(owner)
        response = owned_response(tx, owner, response_id)
        if response.status == "in_progress":
            raise StorageUnavailable()
        Items(tx).delete_of(response.id)
        CodeFiles(tx).erase_of(response.id)
        Responses(tx).empty(response.id, self._clock())
        self._forget(tx, response)

    def _take_out(self, tx: Transaction, owner: str, conversation_id: str, item_id: str) -> StoredConversation:
        Owners(tx).refuse_departed(owner)
        owned_conversation(tx, owner, conversation_id)
        place = Items(tx).place(conversation_id, item_id)
        response = Responses(tx).find(owner, place["response_id"]) if place else None
        if place is None or response is None:
            raise ItemNotFound(param="item_id")
        if response.status == "in_progress":
            raise ConversationBusy(response.id)
        Items(tx).delete(item_id)
        if place["origin"] == "output" and place["kind"] == "message":
            Responses(tx).drop_code(response.id)
            CodeFiles(tx).erase_of(response.id)
        Responses(tx).revise(response.id, first_words(user_text(Items(tx).of(response.id, "input"))))
        self._forget(tx, response)
        return owned_conversation(tx, owner, conversation_id)

    def _forget(self, tx: Transaction, response: StoredResponse) -> None:
        """Erases whatever else told of a response that has just been changed, or quoted it."""
        conversation_id = response.conversation_id
        assert conversation_id is not None  # every stored turn has one
        StreamEvents(tx).drop(response.id)
        SentContexts(tx).erase_from(conversation_id, response.depth)
        Conversations(tx).revise(conversation_id, self._clock())
        _retitle(tx, response, owned_conversation(tx, response.owner, conversation_id))
        self._memory_events.turn_revised(tx, response)


def _retitle(tx: Transaction, response: StoredResponse, conversation: StoredConversation) -> None:
    """A title that nobody gave may be made of words that are gone; a model makes one of a first turn."""
    if conversation.title_from == "words" or (conversation.title_from == "model" and response.depth == 1):
        Conversations(tx).retitle(conversation.id, Responses(tx).first_preview(conversation.id))
