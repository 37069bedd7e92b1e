"""The context of a turn, for chat."""

from fastapi import APIRouter

from memory_service.dependencies import Chat, Contexts
from memory_service.schemas.context import ContextAnswer, ContextQuestion

router = APIRouter(prefix="/internal", tags=["internal"])


@router.post("/context", dependencies=[Chat], operation_id="compose_context")
async def compose_context(question: ContextQuestion, contexts: Contexts) -> ContextAnswer:
    """Remembered material for the turn that follows `tail`, within the token budget, and what is in it."""
    return await contexts.compose(question)
