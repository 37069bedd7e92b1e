"""Works off folds and merges in the background: lease, ask the model, save the raw reply, judge it, commit."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

import structlog

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from memory_service.calibrating import Calibrating
from memory_service.clients.summarizer import Prompt, Reply, Summarizer, SummarizerFailed
from memory_service.fold_replies import BadReply
from memory_service.stores.jobs import Job, Jobs

LONGEST_WAIT_SECONDS = 30.0

log = structlog.get_logger()


class Work(Protocol):
    """A fold or a merge that was prepared."""

    @property
    def job(self) -> Job: ...

    @property
    def prompt(self) -> Prompt: ...

    def read(self, reply: str) -> Any: ...


class JobHandler(Protocol):
    """How one kind of job is prepared and committed."""

    def prepare(self, tx: Transaction, job: Job, lease: str) -> Any: ...

    def commit(self, tx: Transaction, work: Any, accepted: Any, reply: Reply) -> None: ...


@dataclass(frozen=True)
class Pace:
    """How many at once, how long a lease lasts, and the pauses after failures, in seconds."""

    workers: int
    lease: float
    first_retry: float
    longest_retry: float

    def pause(self, attempts: int, chance: float) -> float:
        """Before the next try after so many failures: doubled each time, and between half and all of that."""
        return min(self.longest_retry, self.first_retry * 2.0 ** min(attempts, 40)) * (0.5 + chance / 2)


class FoldWorker:
    """`async with` runs it; `owed` is set when there may be something to do.

    No transaction is open while the model is asked.
    """

    def __init__(
        self,
        database: Database,
        summarizer: Summarizer,
        handlers: Mapping[str, JobHandler],
        pace: Pace,
        clock: Clock,
        owed: asyncio.Event,
        calibrating: Calibrating,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._summarizer = summarizer
        self._handlers = handlers
        self._pace = pace
        self._clock = clock
        self._calibrating = calibrating
        self._chance = chance
        self._lease = new_id("lease")
        self._owed = owed
        self._free = asyncio.Semaphore(pace.workers)
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._dispatcher = asyncio.create_task(self._dispatch(), name="fold dispatcher")
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [self._dispatcher, *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._database.write(lambda tx: Jobs(tx).release(self._lease), frees_space=True)

    async def _dispatch(self) -> None:
        while True:
            try:
                await self._start_what_is_due()
                await self._wait_until_due()
            except Exception as error:
                log.error("folds_not_taken", exc_info=error)
                await asyncio.sleep(self._pace.first_retry)

    async def _start_what_is_due(self) -> None:
        """Until nothing is due; waits for a free place before each."""
        while True:
            await self._free.acquire()
            try:
                self._owed.clear()
                work = await self._database.write(self._take)
            except BaseException:
                self._free.release()
                raise
            if work is None:
                self._free.release()
                return
            self._start(work)

    def _start(self, work: Work) -> None:
        task = asyncio.create_task(self._do(work), name=f"job {work.job.id}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free.release()

    async def _wait_until_due(self) -> None:
        due = await self._database.read(lambda tx: Jobs(tx).next_due())
        wait = LONGEST_WAIT_SECONDS if due is None else min(max(due - self._clock(), 0.01), LONGEST_WAIT_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._owed.wait(), wait)

    def _take(self, tx: Transaction) -> Work | None:
        now = self._clock()
        while job := Jobs(tx).take(self._lease, now, now + self._pace.lease):
            try:
                with tx.savepoint():
                    work: Work | None = self._handlers[job.kind].prepare(tx, job, self._lease)
            except Exception as error:  # must not stand in the way of the others
                log.error("fold_not_prepared", job_id=job.id, exc_info=error)
                self._give_back(tx, job, "internal_error")
                continue
            if work is not None:
                return work
            Jobs(tx).done(job.id)
        return None

    def _give_back(self, tx: Transaction, job: Job, failure: str) -> None:
        next_try_at = self._clock() + self._pace.pause(job.attempts, self._chance())
        Jobs(tx).postpone(job.id, self._lease, failure=failure, next_try_at=next_try_at)

    async def _do(self, work: Work) -> None:
        job = work.job
        try:
            reply = _saved(job) or await self._ask(work)
            accepted = work.read(reply.text)
            await self._database.write(lambda tx: self._commit(tx, work, accepted, reply))
        except (SummarizerFailed, BadReply) as failure:
            await self._postpone(job, failure.code)
        except Exception as error:
            log.error("fold_failed", job_id=job.id, exc_info=error)
            await self._postpone(job, "internal_error")

    async def _ask(self, work: Work) -> Reply:
        reply = await self._summarizer.ask(work.prompt)
        await self._database.write(lambda tx: self._save(tx, work, reply))
        return reply

    def _save(self, tx: Transaction, work: Work, reply: Reply) -> None:
        Jobs(tx).save_reply(
            work.job.id,
            self._lease,
            reply=reply.text,
            model=reply.model,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
        )
        self._calibrating.learn(tx, work.prompt, reply)

    def _commit(self, tx: Transaction, work: Work, accepted: Any, reply: Reply) -> None:
        """Nothing when the job is gone: its conversation was forgotten or deleted meanwhile."""
        if Jobs(tx).holds(work.job.id, self._lease):
            self._handlers[work.job.kind].commit(tx, work, accepted, reply)

    async def _postpone(self, job: Job, failure: str) -> None:
        log.warning("fold_postponed", job_id=job.id, kind=job.kind, tries=job.attempts + 1, code=failure)
        with suppress(Exception):  # storage that takes nothing: the lease runs out by itself
            await self._database.write(lambda tx: self._give_back(tx, job, failure))
        self._owed.set()  # to be taken again, and perhaps before anything else is


def _saved(job: Job) -> Reply | None:
    """The reply that a worker saved before it died."""
    if job.reply is None:
        return None
    return Reply(job.reply, job.reply_model or "", job.input_tokens, job.output_tokens)
