"""Answers in the making. They belong to the server: whoever asked may leave, and come back."""

import asyncio
from collections.abc import Container
from contextvars import Context as Variables
from itertools import chain, repeat
from typing import Any

import structlog

from chassis.database import PATIENCE_SECONDS, Database, Transaction
from chassis.problems import InternalError, Problem, StorageUnavailable
from chat_service.admission import Accepted
from chat_service.answering import CUT_SHORT, Answering, Generation
from chat_service.endings import Ending, Endings, Settlement
from chat_service.event_log import EventLog, LiveLog
from chat_service.stores.contexts import SentContexts
from chat_service.stores.responses import Responses

SETTLE_AGAIN_AFTER = (0.2, 1.0, 5.0)
"""Seconds; the last one again and again."""
LAST_WRITES_SECONDS = 3.0

log = structlog.get_logger()


class Generations:
    """Runs one task for each response in progress."""

    def __init__(
        self,
        database: Database,
        answering: Answering,
        endings: Endings,
        event_log: EventLog,
    ) -> None:
        self._database = database
        self._answering = answering
        self._endings = endings
        self._event_log = event_log
        self._running: dict[str, Generation] = {}
        self.accepts = True

    def start(self, accepted: Accepted, variables: Variables) -> None:
        """Begins to answer a turn; its log lines carry what the request's did, by `variables`."""
        turn, answer = accepted.turn, accepted.answer
        live = self._event_log.open(turn.id, answer, accepted.events)
        generation = self._running[turn.id] = Generation(turn, accepted.items, answer, live)
        generation.task = asyncio.create_task(self._run(generation), name=turn.id, context=variables)

    async def stop(self, response_id: str, by: str = "user") -> None:
        """Stops a response that is being generated here and waits until that is written down."""
        if generation := self._running.get(response_id):
            generation.stop(by)
            await asyncio.wait([generation.task])

    def owners(self) -> set[str]:
        """For whom something is being generated, as they were called when it was accepted."""
        return {generation.turn.owner for generation in self._running.values()}

    async def stop_all(self, owners: Container[str]) -> None:
        """Stops all that is generated for these owners and waits until it is settled. Raises `StorageUnavailable`."""
        stopped = [generation for generation in self._running.values() if generation.turn.owner in owners]
        for generation in stopped:
            generation.stop("user")
        if stopped:
            _, unsettled = await asyncio.wait([each.task for each in stopped], timeout=LAST_WRITES_SECONDS)
            if unsettled:
                raise StorageUnavailable("What was being generated could not be settled yet.")

    def abandon(self, response_id: str) -> None:
        """Stops a response nobody reads any more; does not wait."""
        generation = self._running.get(response_id)
        if generation and not generation.live.readers:
            generation.stop("user")

    async def close(self, seconds: float) -> None:
        """Accepts nothing more, gives what runs so long to finish, and marks the rest."""
        self.accepts = False
        if tasks := [generation.task for generation in self._running.values()]:
            await asyncio.wait(tasks, timeout=seconds)
            for generation in self._running.values():
                generation.stop("shutdown")
            _, unsettled = await asyncio.wait(tasks, timeout=LAST_WRITES_SECONDS)
            for task in unsettled:  # the storage does not take their end: the next start recovers them
                task.cancel()
            await asyncio.gather(*unsettled, return_exceptions=True)

    async def _run(self, generation: Generation) -> None:
        final = None
        try:
            ending = await self._ending(generation)
            await self._event_log.settle(generation.live)
            settlement = self._endings.prepare(generation.turn, generation.answer, ending)
            await self._write_end(generation.live, settlement)
            final = settlement.final
        except Exception as error:  # the next start finds it still in progress, and recovers it
            log.error("turn_not_settled", response_id=generation.turn.id, exc_info=error)
        finally:
            self._running.pop(generation.turn.id, None)
            self._event_log.close(generation.live, final)

    async def _ending(self, generation: Generation) -> Ending:
        try:
            generation.begin()
            finish_reason = await self._answering.answer(generation)
        except asyncio.CancelledError:
            if generation.stopped_by == "user":
                return self._ended(generation, outcome="cancelled")
            return self._ended(generation, outcome="incomplete", reason="interrupted")
        except Problem as problem:
            return self._ended(generation, outcome="failed", problem=problem)
        except Exception as error:
            log.error("generation_crashed", response_id=generation.turn.id, exc_info=error)
            return self._ended(generation, outcome="failed", problem=InternalError())
        finally:
            generation.finish()
        if generation.live.erased:
            return self._ended(generation, outcome="cancelled")
        if reason := CUT_SHORT.get(finish_reason):
            return self._ended(generation, outcome="incomplete", reason=reason)
        return self._ended(generation, outcome="completed")

    def _ended(self, generation: Generation, **how: Any) -> Ending:
        return Ending(
            usage=generation.usage,
            is_estimated=generation.is_estimated,
            repair=generation.repair_usage,
            receipt=generation.receipt.summary if generation.receipt else None,
            first_token_ms=generation.first_token_ms,
            own_key=generation.own_key,
            **how,
        )

    async def _write_end(self, live: LiveLog, settlement: Settlement) -> None:
        """The last write of a turn, until the storage takes it: who reads the turn waits, its conversation is busy."""
        first, events = len(live.saved), list(live.unsaved())

        def write(tx: Transaction) -> None:
            self._endings.settle(tx, settlement, first, events)
            if live.receipt and Responses(tx).exists(live.response_id):  # no batch of events took it along
                SentContexts(tx).add(live.response_id, live.receipt.packed())
            tx.after_commit(lambda: live.publish(len(events)))

        for pause in chain(SETTLE_AGAIN_AFTER, repeat(SETTLE_AGAIN_AFTER[-1])):
            try:
                await self._database.write(write, frees_space=True, patience=PATIENCE_SECONDS)
            except Exception as error:
                log.error("turn_not_settled", response_id=live.response_id, exc_info=error)
                await asyncio.sleep(pause)
            else:
                return
