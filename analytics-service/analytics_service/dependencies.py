"""What a route of analytics may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from analytics_service.usage import Usage
from chassis.identity import Principal
from chassis.policies import User


async def _usage(request: Request) -> Usage:
    usage: Usage = request.app.state.usage
    return usage


UsageOfUsers = Annotated[Usage, Depends(_usage)]
UsageReader = Annotated[Principal, Depends(User("usage:read"))]
