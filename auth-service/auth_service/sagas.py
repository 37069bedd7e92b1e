"""Carries mergers and deletions of accounts through all services: forward only, until every one has done its part."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Protocol, Self, get_args

import structlog

from auth_service.stores.sagas import Kind, Saga, Sagas, Step
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.neighbours import NeighbourRefused
from chassis.owners import Counts
from chassis.problems import Problem

FIRST = "chat"
"""It stops what runs and makes no more events, so that nothing new reaches the others behind their part."""
AT_ONCE = 16
POLL_SECONDS = 1.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0

log = structlog.get_logger()


class Estate(Protocol):
    """What an owner has at one service. Both may be repeated and raise a `Problem` when it cannot be done now."""

    async def merge(self, owner: str, into: str) -> Counts: ...

    async def erase(self, owner: str, pseudonym: str) -> Counts: ...


class SagaRunner:
    """Owes the services their parts and sees to it that they do them.

    `async with` runs its tasks: for each service one that merges and one that deletes. One that hangs holds up nobody's
    part elsewhere, and nobody who signs in waits for what others delete: a service may take minutes to write a large
    file anew.
    """

    def __init__(self, database: Database, estates: Mapping[str, Estate], clock: Clock, *, wait_seconds: float) -> None:
        self._database = database
        self._estates = estates
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._due = {errand: asyncio.Event() for errand in product(estates, get_args(Kind))}
        self._completed: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._run(service, kind), name=f"{kind} at {service}") for service, kind in self._due
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, tx: Transaction, saga: Saga, token_hash: bytes | None = None) -> None:
        """Decides it, as part of the caller's transaction: from there it only goes forward."""
        places = [(service, int(service != FIRST)) for service in self._estates]
        Sagas(tx).add(saga, places, token_hash)
        tx.after_commit(self._wake)

    async def settled(self, saga_id: str) -> None:
        """Returns when every service has done its part, or after `wait_seconds`; the saga goes on either way."""
        completed = self._completed.setdefault(saga_id, asyncio.Event())
        try:
            saga = await self._database.read(lambda tx: Sagas(tx).get(saga_id))
            if saga and saga.completed_at is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(completed.wait(), self._wait_seconds)
        finally:
            self._completed.pop(saga_id, None)

    def _wake(self) -> None:
        for due in self._due.values():
            due.set()

    async def _run(self, service: str, kind: Kind) -> None:
        due = self._due[service, kind]
        while True:
            due.clear()
            try:
                steps = await self._database.read(lambda tx: self._steps(tx, service, kind))
                await asyncio.gather(*(self._take(step) for step in steps))
            except Exception as error:
                log.error("sagas_failed", exc_info=error)
                await asyncio.sleep(POLL_SECONDS)
                continue
            if not steps:
                with suppress(TimeoutError):
                    await asyncio.wait_for(due.wait(), POLL_SECONDS)

    def _steps(self, tx: Transaction, service: str, kind: Kind) -> list[Step]:
        return Sagas(tx).due(service, kind, self._clock(), AT_ONCE, longest_pause=LONGEST_RETRY_SECONDS)

    async def _take(self, step: Step) -> None:
        try:
            counts = await self._tell(step)
        except Problem as problem:
            refusal = problem.refusal if isinstance(problem, NeighbourRefused) else None
            log.warning("saga_step_failed", saga_id=step.saga_id, neighbour=step.service, code=refusal or problem.code)
            pause = min(FIRST_RETRY_SECONDS * 2 ** min(step.tries, 10), LONGEST_RETRY_SECONDS)
            again_at = self._clock() + pause
            await self._database.write(lambda tx: Sagas(tx).postpone(step, again_at), frees_space=True)
            return
        await self._database.write(lambda tx: self._done(tx, step, counts), frees_space=True)

    async def _tell(self, step: Step) -> Counts:
        estate = self._estates[step.service]
        tell = estate.merge if step.kind == "merge" else estate.erase
        return await tell(step.owner, step.successor)

    def _done(self, tx: Transaction, step: Step, counts: Counts) -> None:
        tx.after_commit(self._wake)  # whoever waited for this step may go on
        if Sagas(tx).done(step, counts, self._clock()):
            tx.after_commit(lambda: self._tell_waiting(step.saga_id))

    def _tell_waiting(self, saga_id: str) -> None:
        if completed := self._completed.get(saga_id):
            completed.set()
