"""Fills memory's file fast: the service's own code in this process, thousands of events to a transaction."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from benchmarks.memory.talks import Event
from chassis import events
from chassis.logs import configure_logs
from memory_service.main import create_app
from memory_service.settings import Settings

TOGETHER = 2_000
NEVER = 10**9


def fill(data: Path, told: Iterable[Event]) -> None:
    """As if chat had told all that; nothing is folded. No service may run on the folder meanwhile."""
    configure_logs("memory", "warning", "text")
    asyncio.run(_fill(Settings(service_data=data, storage_reserve_bytes=0, fold_high_tokens=NEVER), told))


async def _fill(settings: Settings, told: Iterable[Event]) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        coming = iter(told)
        while some := list(islice(coming, TOGETHER)):
            outcomes = await app.state.inbox.receive([events.Event.model_validate(each) for each in some])
            if refused := [outcome for outcome in outcomes if outcome.outcome != "applied"]:
                raise ValueError(f"memory does not take what it was told: {refused[0]}")
