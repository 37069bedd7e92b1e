"""OpenAI's shape of a list, and the parameters that walk through it."""

from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """One page; ask for the next with `after=<last_id>` while `has_more`."""

    object: Literal["list"] = "list"
    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool


class PageQuery(BaseModel):
    """`after` is the id of the last item already seen."""

    limit: int
    after: str | None
    order: Literal["asc", "desc"]


async def _page_query(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64)] = None,
    order: Annotated[Literal["asc", "desc"], Query()] = "desc",
) -> PageQuery:
    return PageQuery(limit=limit, after=after, order=order)


PageParameters = Annotated[PageQuery, Depends(_page_query)]


def page_of(items: Sequence[Item], limit: int) -> Page[Item]:
    """A page from up to `limit + 1` items: the one too many only says that there are more."""
    shown = list(items[:limit])
    ids = [getattr(item, "id") for item in shown]  # noqa: B009 - BaseModel has no `id` of its own
    return Page(
        data=shown,
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=len(items) > limit,
    )
