"""Conversations and their items."""

from typing import Annotated

from fastapi import APIRouter, Path

from chassis.pages import Page, PageParameters, page_of
from chat_service.dependencies import ConversationsHere, Reader, Writer
from chat_service.problems import UnsupportedParameter
from chat_service.schemas.conversations import Conversation, CreateConversation, DeletedConversation, UpdateConversation
from chat_service.schemas.items import ItemEntry
from chat_service.stores.conversations import StoredConversation

ConversationId = Annotated[str, Path(max_length=64)]
ItemId = Annotated[str, Path(max_length=64)]

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


@router.post("", operation_id="create_conversation")
async def create_conversation(
    caller: Writer, conversations: ConversationsHere, body: CreateConversation | None = None
) -> Conversation:
    """Opens an empty conversation."""
    if body and body.items:
        raise UnsupportedParameter("items")
    return _shown(await conversations.open(caller.user_id, (body and body.metadata) or {}))


@router.get("", operation_id="list_conversations")
async def list_conversations(
    caller: Reader, conversations: ConversationsHere, page: PageParameters
) -> Page[Conversation]:
    """The caller's conversations by age, newest first unless asked otherwise."""
    found = await conversations.page(caller.user_id, page)
    return page_of([_shown(conversation) for conversation in found], page.limit)


@router.get("/{conversation_id}", operation_id="retrieve_conversation")
async def retrieve_conversation(
    conversation_id: ConversationId, caller: Reader, conversations: ConversationsHere
) -> Conversation:
    """One conversation."""
    return _shown(await conversations.find(caller.user_id, conversation_id))


@router.post("/{conversation_id}", operation_id="update_conversation")
async def update_conversation(
    conversation_id: ConversationId, body: UpdateConversation, caller: Writer, conversations: ConversationsHere
) -> Conversation:
    """Replaces its metadata."""
    return _shown(await conversations.describe(caller.user_id, conversation_id, body.metadata or {}))


@router.delete("/{conversation_id}", operation_id="delete_conversation")
async def delete_conversation(
    conversation_id: ConversationId, caller: Writer, conversations: ConversationsHere
) -> DeletedConversation:
    """Deletes all that was said in it, stops what is being said, and has memory forget it."""
    await conversations.delete(caller.user_id, conversation_id)
    return DeletedConversation(id=conversation_id)


@router.get("/{conversation_id}/items", operation_id="list_items")
async def list_items(
    conversation_id: ConversationId, caller: Reader, conversations: ConversationsHere, page: PageParameters
) -> Page[ItemEntry]:
    """What was said on the active branch, newest first unless asked otherwise."""
    items = await conversations.items(caller.user_id, conversation_id, page)
    return page_of([ItemEntry(**item) for item in items], page.limit)


@router.get("/{conversation_id}/items/{item_id}", operation_id="retrieve_item")
async def retrieve_item(
    conversation_id: ConversationId, item_id: ItemId, caller: Reader, conversations: ConversationsHere
) -> ItemEntry:
    """One item, on whatever branch it is."""
    return ItemEntry(**await conversations.item(caller.user_id, conversation_id, item_id))


def _shown(conversation: StoredConversation) -> Conversation:
    return Conversation(
        id=conversation.id,
        created_at=int(conversation.created_at),
        updated_at=int(conversation.updated_at),
        metadata=conversation.metadata,
    )
