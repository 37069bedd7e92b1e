"""`/v1/usage`: what the signed-in user's calls used."""

from typing import Annotated

from fastapi import APIRouter, Query

from analytics_service.dependencies import UsageOfUsers, UsageReader
from analytics_service.schemas import UsageQuery, UsageReport

router = APIRouter(tags=["usage"])


@router.get("/v1/usage", operation_id="get_usage")
async def get_usage(period: Annotated[UsageQuery, Query()], reader: UsageReader, usage: UsageOfUsers) -> UsageReport:
    """Tokens and calls in a period: in total, by model and by conversation (the 100 with most tokens)."""
    return await usage.report(reader.user_id, period.start, period.end)
