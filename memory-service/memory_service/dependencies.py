"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from chassis.identity import Principal
from chassis.policies import Service, User
from memory_service.context import ContextOfTurns
from memory_service.curation import Curation
from memory_service.memories import Memories
from memory_service.preferences import PreferenceBook
from memory_service.topic_forgetting import TopicForgetting

Reader = Annotated[Principal, Depends(User("memory:read"))]
Writer = Annotated[Principal, Depends(User("memory:write"))]
Chat = Depends(Service(("chat",)))


async def _memories(request: Request) -> Memories:
    memories: Memories = request.app.state.memories
    return memories


async def _context(request: Request) -> ContextOfTurns:
    context: ContextOfTurns = request.app.state.context
    return context


async def _curation(request: Request) -> Curation:
    curation: Curation = request.app.state.curation
    return curation


async def _preferences(request: Request) -> PreferenceBook:
    preferences: PreferenceBook = request.app.state.preferences
    return preferences


async def _topics(request: Request) -> TopicForgetting:
    topics: TopicForgetting = request.app.state.topics
    return topics


MemoriesOf = Annotated[Memories, Depends(_memories)]
Contexts = Annotated[ContextOfTurns, Depends(_context)]
Curations = Annotated[Curation, Depends(_curation)]
PreferencesOf = Annotated[PreferenceBook, Depends(_preferences)]
Topics = Annotated[TopicForgetting, Depends(_topics)]
