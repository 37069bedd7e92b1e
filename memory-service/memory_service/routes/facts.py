"""`/v1/memory/facts`: what is remembered about the user, as the user sees and corrects it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from chassis.pages import Page, PageParameters, page_of
from memory_service.dependencies import Curations, Reader, Writer
from memory_service.routes.fact_objects import change_object, fact_object, source_object
from memory_service.schemas.facts import (
    ApproveFact,
    ChangeFact,
    ChangeObject,
    CreateFact,
    FactDeleted,
    FactObject,
    Kind,
    SourceObject,
    StatusAsked,
)
from memory_service.schemas.values import PointInTime
from memory_service.stores.fact_lists import FactFilter

FactId = Annotated[str, Path(max_length=64)]
THERE_ALREADY: dict[int | str, dict[str, Any]] = {
    200: {"model": FactObject, "description": "The same text is in force already."}
}

router = APIRouter(prefix="/v1/memory/facts", tags=["memory"])


async def _filter(
    status: Annotated[StatusAsked, Query(description="`in_force` is active or pinned.")] = "in_force",
    kind: Kind | None = None,
    conversation: Annotated[str | None, Query(max_length=64, description="Facts that were said there.")] = None,
    as_of: Annotated[
        PointInTime | None, Query(description="Facts that were in force then; seconds since the epoch, or ISO 8601.")
    ] = None,
) -> FactFilter:
    second = None if as_of is None else int(as_of)
    return FactFilter(status=status, kind=kind, conversation_id=conversation, as_of=second)


Filter = Annotated[FactFilter, Depends(_filter)]


@router.get("", operation_id="list_facts")
async def list_facts(user: Reader, facts: Curations, page: PageParameters, only: Filter) -> Page[FactObject]:
    """The caller's facts, those that were stored last first unless asked otherwise."""
    found = await facts.page(user.user_id, page, only)
    return page_of([fact_object(each) for each in found], page.limit)


@router.post("", operation_id="create_fact", status_code=201, responses=THERE_ALREADY)
async def create_fact(body: CreateFact, user: Writer, facts: Curations, response: Response) -> FactObject:
    """Remembers something that the caller writes; one that is in force already is answered with 200."""
    fact, is_new = await facts.create(user.user_id, body)
    response.status_code = 201 if is_new else 200
    return fact_object(fact)


@router.get("/{fact_id}", operation_id="retrieve_fact")
async def retrieve_fact(fact_id: FactId, user: Reader, facts: Curations) -> FactObject:
    """One fact, in force or not."""
    return fact_object(await facts.find(user.user_id, fact_id))


@router.patch("/{fact_id}", operation_id="change_fact")
async def change_fact(fact_id: FactId, body: ChangeFact, user: Writer, facts: Curations) -> FactObject:
    """Corrects, pins, forgets or rejects it; a text that the caller wrote is not changed by any fold."""
    return fact_object(await facts.change(user.user_id, fact_id, body))


@router.delete("/{fact_id}", operation_id="delete_fact")
async def delete_fact(fact_id: FactId, user: Writer, facts: Curations) -> FactDeleted:
    """Deletes it for good: it does not come back from what was said. Where it was said stays."""
    deleted = await facts.delete(user.user_id, fact_id)
    return FactDeleted(id=fact_id, sources=deleted.sources, changes=deleted.changes)


@router.post("/{fact_id}/approve", operation_id="approve_fact")
async def approve_fact(fact_id: FactId, user: Writer, facts: Curations, body: ApproveFact | None = None) -> FactObject:
    """It is so: a proposed fact comes into force."""
    return fact_object(await facts.approve(user.user_id, fact_id, body.replaces if body else None))


@router.post("/{fact_id}/reject", operation_id="reject_fact")
async def reject_fact(fact_id: FactId, user: Writer, facts: Curations) -> FactObject:
    """It is not so: it is in no context, and does not come back from what is said."""
    return fact_object(await facts.reject(user.user_id, fact_id))


@router.post("/{fact_id}/undo", operation_id="undo_fact_change")
async def undo_fact_change(fact_id: FactId, user: Writer, facts: Curations) -> FactObject:
    """Takes back the newest change in its history, whoever made it."""
    return fact_object(await facts.undo(user.user_id, fact_id))


@router.get("/{fact_id}/sources", operation_id="list_fact_sources")
async def list_fact_sources(
    fact_id: FactId, user: Reader, facts: Curations, page: PageParameters
) -> Page[SourceObject]:
    """Where the caller said it, newest turn first unless asked otherwise; none for what was written as a fact."""
    found = await facts.sources(user.user_id, fact_id, page)
    ids = [each.turn_id for each in found[: page.limit]]
    return Page(
        data=[source_object(each) for each in found[: page.limit]],
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=len(found) > page.limit,
    )


@router.get("/{fact_id}/history", operation_id="list_fact_changes")
async def list_fact_changes(fact_id: FactId, user: Reader, facts: Curations) -> Page[ChangeObject]:
    """What happened to it, newest first, all on one page: of very many changes only the last hundred are kept."""
    changes = [change_object(each) for each in await facts.history(user.user_id, fact_id)]
    return Page(data=changes, first_id=None, last_id=None, has_more=False)
