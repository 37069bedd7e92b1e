"""What a user sees of the memory, and erases."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from chassis.pages import Page, page_of
from memory_service.dependencies import MemoriesOf, Reader, Topics, Writer
from memory_service.schemas.memories import ConversationForgotten, ConversationMemory, FoundTurn, SearchQuery
from memory_service.schemas.topics import Forgetting, ForgetTopic

router = APIRouter(prefix="/v1/memory", tags=["memory"])

ConversationId = Annotated[str, Path(max_length=64)]


@router.get("/conversations/{conversation_id}", operation_id="show_conversation_memory")
async def show(conversation_id: ConversationId, user: Reader, memories: MemoriesOf) -> ConversationMemory:
    """Short-term buffer, long-term memory and statistics of a conversation."""
    return await memories.show(user.user_id, conversation_id)


@router.delete("/conversations/{conversation_id}", operation_id="forget_conversation")
async def forget(conversation_id: ConversationId, user: Writer, memories: MemoriesOf) -> ConversationForgotten:
    """Erases all that is remembered of a conversation; the conversation itself stays with chat."""
    receipt = await memories.forget(user.user_id, conversation_id)
    return ConversationForgotten(
        id=conversation_id, turns=receipt.turns, episodes=receipt.episodes, facts=receipt.facts
    )


@router.get("/search", operation_id="search_memory")
async def search(query: Annotated[SearchQuery, Query()], user: Reader, memories: MemoriesOf) -> Page[FoundTurn]:
    """Exact turns that bear on a query, best first."""
    return page_of(await memories.search(user.user_id, query), query.limit)


@router.post("/forget", operation_id="forget_topic")
async def forget_topic(wish: ForgetTopic, user: Writer, topics: Topics) -> Forgetting:
    """Erases the facts and the turns that have all words of the topic; the conversations stay with chat."""
    return await topics.forget(user.user_id, wish)
