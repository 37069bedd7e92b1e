"""What happens when a client leaves before its answer is complete."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

CLIENT_LEFT = 499
"""The status that nobody reads any more; nginx, too, logs it for that."""

Result = TypeVar("Result")


async def until_client_leaves(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What `work` returns; None when the client left first: `work` was then cancelled, and has ended.

    None too when something else cancelled `work`: there is nobody it could answer any more.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_client_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() and not working.cancelled() else None
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
