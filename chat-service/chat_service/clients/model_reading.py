"""The bytes of an answer as they come in, straight from the connection, each wait with a deadline."""

import asyncio
import math

import aiohttp
import httpx


class Pieces:
    """What a streamed response brings, piece by piece. `close` it; nothing is read after a wait that was too long.

    A timer for each wait would cost as much as all else that is done with a piece: one timer looks from time to time
    whether the wait of the moment is over its deadline.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._reader: aiohttp.StreamReader = response.extensions["reader"]
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = math.inf
        self._deadline = math.inf
        self._gathering: asyncio.Future[bool] | None = None
        self._reader.on_eof(self._stop_gathering)

    async def gather(self, moment: "asyncio.Future[bool]") -> None:
        """Lets more come in until that moment, but not beyond the end: `next` has it all at once then."""
        if not self._reader.is_eof():
            self._gathering = moment
            await moment

    async def next(self, deadline: float) -> bytes:
        """Empty at the end. Raises `TimeoutError` at that time of the loop, `aiohttp.ClientError` for a cut."""
        if deadline <= self._loop.time():  # what always has something to say would never be waited for
            raise TimeoutError
        self._deadline = deadline
        if deadline < self._looks_at:
            self._look_at(deadline)
        try:
            return await self._reader.readany()
        finally:
            self._deadline = math.inf

    async def close(self) -> None:
        """Lets go of the connection: cut, if there was more to come."""
        if self._timer:
            self._timer.cancel()
        await self._response.aclose()

    def _stop_gathering(self) -> None:
        if self._gathering and not self._gathering.done():
            self._gathering.set_result(False)

    def _look_at(self, moment: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._looks_at = moment
        self._timer = self._loop.call_at(moment, self._look)

    def _look(self) -> None:
        self._timer, self._looks_at = None, math.inf
        if self._deadline <= self._loop.time():
            self._reader.set_exception(TimeoutError())
        elif self._deadline < math.inf:
            self._look_at(self._deadline)
