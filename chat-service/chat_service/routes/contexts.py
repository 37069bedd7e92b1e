"""What went to the model for a response, and what would go for another."""

from fastapi import APIRouter

from chat_service.dependencies import Reader, ReceiptsHere, ResponseId, Writer
from chat_service.schemas.contexts import ContextObject
from chat_service.schemas.responses import CreateResponse

router = APIRouter(tags=["context"])


@router.get("/v1/responses/{response_id}/context", operation_id="retrieve_context")
async def retrieve_context(response_id: ResponseId, caller: Reader, receipts: ReceiptsHere) -> ContextObject:
    """Every part of what went to the model, where it came from, and what was left out."""
    return await receipts.of(caller.user_id, response_id)


@router.post("/v1/context/preview", operation_id="preview_context")
async def preview_context(body: CreateResponse, caller: Writer, receipts: ReceiptsHere) -> ContextObject:
    """The same for a turn that is not taken: nothing is stored, and no model is asked."""
    return await receipts.preview(caller, body)
