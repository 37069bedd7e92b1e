"""Chat completions: stateless, or a turn of the conversation that they name."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response

from chat_service.completion_chunks import AnyCompletion, document_of, events_of
from chat_service.completion_turns import conversation_named
from chat_service.dependencies import (
    CompletionsHere,
    RepeatableHere,
    SettingsHere,
    StoredCompletionsHere,
    Writer,
)
from chat_service.routes.completion_stream import CompletionStream
from chat_service.routes.leaving import CLIENT_LEFT, until_client_leaves
from chat_service.schemas.completions import ChatCompletion, ChatCompletionRequest

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ChatCompletion, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
ConversationName = Annotated[
    str | None,
    Header(max_length=255, description="Makes it a turn of that conversation; a name that is not ours opens one."),
]

router = APIRouter(tags=["completions"])


@router.post("/v1/chat/completions", operation_id="create_chat_completion", response_model=None, responses=ANSWERS)
async def create_chat_completion(
    body: ChatCompletionRequest,
    request: Request,
    principal: Writer,
    completions: CompletionsHere,
    settings: SettingsHere,
    stored_completions: StoredCompletionsHere,
    repeatable: RepeatableHere,
    x_conversation_id: ConversationName = None,
) -> Response:
    """Answers the messages, streamed or whole. Nothing is stored but what it cost; leaving stops the model.

    With a conversation the new message is a turn of it: stored, remembered, and answered even when the client leaves.
    """
    completion: AnyCompletion
    if conversation := conversation_named(x_conversation_id, body):
        completion = await stored_completions.begin(principal, body, conversation, repeatable)
    else:
        completion = completions.begin(principal, body, repeatable)
    if body.stream:
        include_usage = bool(body.stream_options and body.stream_options.include_usage)
        events = events_of(completion, include_usage=include_usage)
        return CompletionStream(events, completion.headers, settings.stream_keep_alive_seconds)
    document = await until_client_leaves(request.receive, document_of(completion))
    return JSONResponse(document, headers=completion.headers) if document else Response(status_code=CLIENT_LEFT)
