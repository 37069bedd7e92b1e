"""Responses: a turn asked for, read again, followed, stopped."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import Response

from chassis.pages import Page, PageParameters, page_of
from chat_service.dependencies import (
    ArchiveHere,
    DeletionsHere,
    Reader,
    RepeatableHere,
    ResponseId,
    TurnsHere,
    Writer,
)
from chat_service.routes.event_stream import EventStream
from chat_service.routes.leaving import CLIENT_LEFT, until_client_leaves
from chat_service.schemas.items import ItemEntry
from chat_service.schemas.response_objects import DeletedResponse, ResponseObject
from chat_service.schemas.responses import CreateResponse

OR_A_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The response; its events with `stream`.", "content": {"text/event-stream": {}}}
}

StartingAfter = Annotated[int, Query(ge=-1, lt=2**31, description="Events up to this number were seen already.")]

router = APIRouter(prefix="/v1/responses", tags=["responses"])


@router.post("", operation_id="create_response", response_model=ResponseObject, responses=OR_A_STREAM)
async def create_response(
    body: CreateResponse,
    request: Request,
    response: Response,
    caller: Writer,
    turns: TurnsHere,
    repeatable: RepeatableHere,
    after_the_answer: BackgroundTasks,
) -> Any:
    """Stores the turn and answers it: streamed, whole, or in the background. Leaving does not stop a stored one."""
    turn = await turns.accept(caller, body, repeatable)
    headers = await turns.headers(caller, turn)
    if body.stream:
        return EventStream(turns.follow(turn), headers)
    response.headers.update(headers)
    work = turns.begun(turn) if body.background else turns.finished(turn)
    if answer := await until_client_leaves(request.receive, work):
        after_the_answer.add_task(turns.delivered, turn)
    return answer or Response(status_code=CLIENT_LEFT)


@router.get("/{response_id}", operation_id="retrieve_response", response_model=ResponseObject, responses=OR_A_STREAM)
async def retrieve_response(
    response_id: ResponseId,
    caller: Reader,
    archive: ArchiveHere,
    stream: bool = False,
    starting_after: StartingAfter = -1,
) -> Any:
    """A response as it stands; with `stream` its events, from any of them on, those to come included."""
    if stream:
        return EventStream(await archive.events(caller.user_id, response_id, starting_after))
    return await archive.find(caller.user_id, response_id)


@router.post("/{response_id}/cancel", operation_id="cancel_response", response_model=ResponseObject)
async def cancel_response(response_id: ResponseId, caller: Writer, turns: TurnsHere) -> Any:
    """Stops the model and keeps the text so far. A response that has ended stays as it is."""
    return await turns.cancel(caller.user_id, response_id)


@router.delete("/{response_id}", operation_id="delete_response")
async def delete_response(response_id: ResponseId, caller: Writer, deletions: DeletionsHere) -> DeletedResponse:
    """Deletes what was asked and answered, stops it first, and has memory forget it. What follows it stays."""
    await deletions.response(caller.user_id, response_id)
    return DeletedResponse(id=response_id)


@router.get("/{response_id}/input_items", operation_id="list_input_items")
async def list_input_items(
    response_id: ResponseId, caller: Reader, archive: ArchiveHere, page: PageParameters
) -> Page[ItemEntry]:
    """What went into a response."""
    items = await archive.input_items(caller.user_id, response_id, page)
    return page_of([ItemEntry(**item) for item in items], page.limit)
