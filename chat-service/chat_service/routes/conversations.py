"""Conversations, their items and the tree of their turns."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from chassis.pages import Page, PageParameters, PageQuery, page_of
from chat_service.branches import PlacedNode
from chat_service.conversations import cursor
from chat_service.dependencies import (
    BranchesHere,
    ConversationId,
    ConversationsHere,
    DeletionsHere,
    Reader,
    RepeatableHere,
    Writer,
)
from chat_service.schemas.conversations import (
    Conversation,
    CreateConversation,
    CreateItems,
    DeletedConversation,
    ResponseNode,
    UpdateConversation,
)
from chat_service.schemas.items import ItemEntry
from chat_service.stores.conversations import ConversationFilter, StoredConversation

ItemId = Annotated[str, Path(max_length=64)]

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


async def _filter(
    sort: Annotated[Literal["updated", "created"], Query(description="By the newest turn, or by age.")] = "updated",
    search: Annotated[str, Query(max_length=200, description="Words that the title has to hold.")] = "",
    archived: Literal["true", "false", "any"] = "false",
    pinned: bool | None = None,
) -> ConversationFilter:
    wanted = None if archived == "any" else archived == "true"
    return ConversationFilter(sort=sort, words=tuple(search.split()), archived=wanted, pinned=pinned)


async def _oldest_first(page: PageParameters, order: Literal["asc", "desc"] = "asc") -> PageQuery:
    return page.model_copy(update={"order": order})


Filter = Annotated[ConversationFilter, Depends(_filter)]
OldestFirst = Annotated[PageQuery, Depends(_oldest_first)]


@router.post("", operation_id="create_conversation")
async def create_conversation(
    caller: Writer,
    conversations: ConversationsHere,
    repeatable: RepeatableHere,
    body: CreateConversation | None = None,
) -> Conversation:
    """Opens a conversation, empty or with what was said elsewhere."""
    body = body or CreateConversation()
    said = body.model_dump(exclude_unset=True, exclude={"items"})
    return _shown(await conversations.open(caller, said, body.items or (), repeatable))


@router.get("", operation_id="list_conversations")
async def list_conversations(
    caller: Reader, conversations: ConversationsHere, page: PageParameters, only: Filter
) -> Page[Conversation]:
    """The caller's conversations, those with the newest turn first unless asked otherwise."""
    found = await conversations.page(caller.user_id, page, only)
    listed = page_of([_shown(conversation) for conversation in found], page.limit)
    if found:
        listed.last_id = cursor(found[: page.limit][-1], only)
    return listed


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
    """Changes what is given: how it is called and kept, what its turns go by, which branch is active."""
    said = body.model_dump(exclude_unset=True)
    return _shown(await conversations.describe(caller.user_id, conversation_id, said))


@router.delete("/{conversation_id}", operation_id="delete_conversation")
async def delete_conversation(
    conversation_id: ConversationId, caller: Writer, conversations: ConversationsHere
) -> DeletedConversation:
    """Deletes all that was said in it, stops what is being said, and has memory forget it."""
    await conversations.delete(caller.user_id, conversation_id)
    return DeletedConversation(id=conversation_id)


@router.get("/{conversation_id}/items", operation_id="list_items")
async def list_items(
    conversation_id: ConversationId, caller: Reader, branches: BranchesHere, page: PageParameters
) -> Page[ItemEntry]:
    """What was said on the active branch, newest first unless asked otherwise."""
    items = await branches.items(caller.user_id, conversation_id, page)
    return page_of([ItemEntry(**item) for item in items], page.limit)


@router.post("/{conversation_id}/items", operation_id="create_items")
async def create_items(
    conversation_id: ConversationId, body: CreateItems, caller: Writer, conversations: ConversationsHere
) -> Page[ItemEntry]:
    """Appends what was said elsewhere, as turns that have ended: no model answers them."""
    items = await conversations.add(caller, conversation_id, body.items)
    return page_of([ItemEntry(**item) for item in items], len(items))


@router.get("/{conversation_id}/items/{item_id}", operation_id="retrieve_item")
async def retrieve_item(
    conversation_id: ConversationId, item_id: ItemId, caller: Reader, branches: BranchesHere
) -> ItemEntry:
    """One item, on whatever branch it is."""
    return ItemEntry(**await branches.item(caller.user_id, conversation_id, item_id))


@router.delete("/{conversation_id}/items/{item_id}", operation_id="delete_item")
async def delete_item(
    conversation_id: ConversationId, item_id: ItemId, caller: Writer, deletions: DeletionsHere
) -> Conversation:
    """Deletes one item, on whatever branch it is, and has memory forget it."""
    return _shown(await deletions.item(caller.user_id, conversation_id, item_id))


@router.get("/{conversation_id}/responses", operation_id="list_responses")
async def list_responses(
    conversation_id: ConversationId, caller: Reader, branches: BranchesHere, page: OldestFirst
) -> Page[ResponseNode]:
    """The tree of all turns, on all branches, oldest first unless asked otherwise."""
    nodes = await branches.tree(caller.user_id, conversation_id, page)
    return page_of([_node(placed) for placed in nodes], page.limit)


def _node(placed: PlacedNode) -> ResponseNode:
    node = placed.node
    return ResponseNode(
        id=node.id,
        parent_id=node.parent_id,
        depth=node.depth,
        status=node.status,
        model=node.model,
        created_at=int(node.created_at),
        active=placed.is_active,
        deleted=node.is_deleted,
        preview=node.preview,
    )


def _shown(conversation: StoredConversation) -> Conversation:
    return Conversation(
        id=conversation.id,
        created_at=int(conversation.created_at),
        updated_at=int(conversation.updated_at),
        metadata=conversation.metadata,
        title=conversation.title,
        archived=conversation.archived_at is not None,
        pinned=conversation.pinned_at is not None,
        instructions=conversation.instructions,
        model=conversation.model,
        active_response_id=conversation.tip_id,
    )
