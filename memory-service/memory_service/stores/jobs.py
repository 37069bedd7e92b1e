"""Folds and merges that are owed: durable, leased, with the model's raw reply kept until it is used."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.database import Row, Transaction

COLUMNS = (
    "id, conversation_id, branch, kind, level, depth_from, depth_to, attempts, next_try_at, failure, reply,"
    " reply_model, input_tokens, output_tokens, known_facts"
)
FOLD = "fold"
MERGE = "merge"


@dataclass(frozen=True)
class Job:
    """A fold of a branch's oldest unfolded turns, or a merge of four of its episodes of `level`.

    `known_facts` are the ids of the facts that the reply was or will be told of, in that order.
    """

    id: int
    conversation_id: str
    branch: int
    kind: str
    level: int
    depth_from: int | None
    depth_to: int | None
    attempts: int
    next_try_at: float
    failure: str | None
    reply: str | None
    reply_model: str | None
    input_tokens: int | None
    output_tokens: int | None
    known_facts: Sequence[str]


class Jobs:
    """Rows of `jobs`. Each change names the lease, so a worker that lost it changes nothing."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def owe(self, conversation_id: str, branch: int, kind: str, now: float, *, level: int = 0) -> bool:
        """Asks for work; False when it is asked for already."""
        asked = self._tx.run(
            "insert into jobs (conversation_id, branch, kind, level, next_try_at, created_at)"
            " values (?, ?, ?, ?, ?, ?) on conflict (branch, kind) do nothing",
            conversation_id,
            branch,
            kind,
            level,
            now,
            now,
        )
        return asked == 1

    def take(self, lease: str, now: float, until: float) -> Job | None:
        """Leases the job that has been due longest and that nobody works on."""
        row = self._tx.one(
            "update jobs set lease = :lease, lease_until = :until where id = (select id from jobs"  # noqa: S608
            " where next_try_at <= :now and lease_until <= :now order by next_try_at, id limit 1)"
            f" returning {COLUMNS}",
            lease=lease,
            now=now,
            until=until,
        )
        return _job(row) if row else None

    def next_due(self) -> float | None:
        """When the next job can be taken; None when there is none."""
        due: float | None = self._tx.value("select min(max(next_try_at, lease_until)) as due from jobs")
        return due

    def set_range(self, job: int, lease: str, depth_from: int, depth_to: int, known_facts: Sequence[str] = ()) -> None:
        """What the reply that is being asked for will be about."""
        self._tx.run(
            "update jobs set depth_from = ?, depth_to = ?, known_facts = ? where id = ? and lease = ?",
            depth_from,
            depth_to,
            json.dumps(list(known_facts)),
            job,
            lease,
        )

    def save_reply(
        self, job: int, lease: str, *, reply: str, model: str, input_tokens: int | None, output_tokens: int | None
    ) -> bool:
        """Keeps the raw reply; False when the job is gone or someone else's."""
        saved = self._tx.run(
            "update jobs set reply = :reply, reply_model = :model, input_tokens = :input_tokens,"
            " output_tokens = :output_tokens where id = :job and lease = :lease",
            job=job,
            lease=lease,
            reply=reply,
            model=model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )
        return saved == 1

    def holds(self, job: int, lease: str) -> bool:
        """Whether the job is still there and still this worker's."""
        return self._tx.one("select 1 as held from jobs where id = ? and lease = ?", job, lease) is not None

    def postpone(self, job: int, lease: str, *, failure: str, next_try_at: float) -> None:
        """Gives a failed job back, without its reply."""
        self._tx.run(
            "update jobs set lease = null, lease_until = 0, attempts = attempts + 1, failure = :failure,"
            " next_try_at = :next_try_at, reply = null, reply_model = null, depth_from = null, depth_to = null"
            " where id = :job and lease = :lease",
            job=job,
            lease=lease,
            failure=failure,
            next_try_at=next_try_at,
        )

    def release(self, lease: str) -> None:
        """Gives everything back as it is: the worker is going home."""
        self._tx.run("update jobs set lease = null, lease_until = 0 where lease = ?", lease)

    def done(self, job: int) -> None:
        """Deletes a job that is done or has become pointless."""
        self._tx.run("delete from jobs where id = ?", job)

    def of_conversation(self, conversation_id: str) -> list[Job]:
        """What is owed to a conversation, oldest first."""
        rows = self._tx.all(
            f"select {COLUMNS} from jobs where conversation_id = ? order by id",  # noqa: S608
            conversation_id,
        )
        return [_job(row) for row in rows]

    def start_over(self, conversation_id: str, now: float) -> None:
        """Owes the same work under new ids: what is in the making of the old ones finds its job gone."""
        owed = self.of_conversation(conversation_id)
        self.erase(conversation_id)
        for job in owed:
            self.owe(conversation_id, job.branch, job.kind, now, level=job.level)

    def put_off(self, conversation_id: str, until: float) -> None:
        """None of them is taken before."""
        self._tx.run(
            "update jobs set next_try_at = max(next_try_at, ?) where conversation_id = ?", until, conversation_id
        )

    def erase(self, conversation_id: str) -> None:
        """Deletes them all, saved replies too."""
        self._tx.run("delete from jobs where conversation_id = ?", conversation_id)


def _job(row: Row) -> Job:
    return Job(**{**row, "known_facts": json.loads(row["known_facts"] or "[]")})
