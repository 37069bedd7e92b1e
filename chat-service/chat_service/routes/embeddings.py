"""Embeddings."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from chassis.identity import Principal
from chassis.policies import User
from chat_service.dependencies import EmbeddingsHere, RepeatableHere
from chat_service.routes.leaving import CLIENT_LEFT, until_client_leaves
from chat_service.schemas.embeddings import EmbeddingList, EmbeddingRequest

ANSWERS: dict[int | str, dict[str, Any]] = {200: {"model": EmbeddingList}}

router = APIRouter(tags=["embeddings"])


@router.post("/v1/embeddings", operation_id="create_embedding", response_model=None, responses=ANSWERS)
async def create_embedding(
    body: EmbeddingRequest,
    request: Request,
    caller: Annotated[Principal, Depends(User("chat:write", guests=False))],
    embeddings: EmbeddingsHere,
    repeatable: RepeatableHere,
) -> Response:
    """A vector for each text. Nothing is stored but what it cost; leaving stops the call."""
    answer = await until_client_leaves(request.receive, embeddings.embed(caller, body, repeatable))
    if answer is None:
        return Response(status_code=CLIENT_LEFT)
    document, headers = answer
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")
