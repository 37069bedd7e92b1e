"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from chassis.identity import Principal
from chassis.policies import Service, User
from memory_service.context import ContextOfTurns
from memory_service.memories import Memories

Reader = Annotated[Principal, Depends(User("memory:read"))]
Writer = Annotated[Principal, Depends(User("memory:write"))]
Chat = Depends(Service(("chat",)))


async def _memories(request: Request) -> Memories:
    memories: Memories = request.app.state.memories
    return memories


async def _context(request: Request) -> ContextOfTurns:
    context: ContextOfTurns = request.app.state.context
    return context


MemoriesOf = Annotated[Memories, Depends(_memories)]
Contexts = Annotated[ContextOfTurns, Depends(_context)]
