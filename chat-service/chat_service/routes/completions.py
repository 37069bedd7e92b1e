"""Stateless chat completions."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chat_service.completion_chunks import document_of, events_of
from chat_service.dependencies import CompletionsHere, SettingsHere, Writer
from chat_service.routes.completion_stream import CompletionStream
from chat_service.routes.leaving import until_client_leaves
from chat_service.schemas.completions import ChatCompletion, ChatCompletionRequest

CLIENT_LEFT = 499
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ChatCompletion, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}

router = APIRouter(tags=["completions"])


@router.post("/v1/chat/completions", operation_id="create_chat_completion", response_model=None, responses=ANSWERS)
async def create_chat_completion(
    body: ChatCompletionRequest,
    request: Request,
    principal: Writer,
    completions: CompletionsHere,
    settings: SettingsHere,
) -> Response:
    """Answers the messages, streamed or whole. Nothing is stored but what it cost; leaving stops the model."""
    completion = completions.begin(principal, body)
    if body.stream:
        include_usage = bool(body.stream_options and body.stream_options.include_usage)
        return CompletionStream(events_of(completion, include_usage=include_usage), settings.stream_keep_alive_seconds)
    document = await until_client_leaves(request.receive, document_of(completion))
    return JSONResponse(document) if document else Response(status_code=CLIENT_LEFT)
