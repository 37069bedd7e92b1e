"""Mergers and deletions of accounts: what each service still has to do, and what it has done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chassis.database import Row, Transaction
from chassis.owners import Counts

Kind = Literal["merge", "deletion"]
COLUMNS = "id, kind, owner, successor, created_at, completed_at"

# A time further ahead than any pause was set by a clock that was put back since: it holds up nothing. The steps of a
# saga's first place first; at each service a saga waits for those that give rows to its owner there (a
# guest's, before the account that got them is erased).
DUE = """
    select step.saga_id, step.service, step.tries, saga.kind, saga.owner, saga.successor
      from saga_steps as step join sagas as saga on saga.id = step.saga_id
     where step.service = :service and saga.kind = :kind and step.done_at is null
   and (step.next_try_at <= :now or step.next_try_at > :now + :longest_pause)
       and not exists (select 1 from saga_steps as earlier
                        where earlier.saga_id = step.saga_id and earlier.place < step.place
                          and earlier.done_at is null)
       and not exists (select 1 from sagas as giving join saga_steps as given on given.saga_id = giving.id
                        where giving.successor = saga.owner and giving.completed_at is null
                          and given.service = step.service and given.done_at is null)
     order by saga.id, step.place
     limit :limit
"""


@dataclass(frozen=True, slots=True)
class Saga:
    """`owner` is whose rows are given over or erased; `successor` the account, or a pseudonym."""

    id: str
    kind: Kind
    owner: str
    successor: str
    created_at: int
    completed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one service has to do next."""

    saga_id: str
    service: str
    tries: int
    kind: Kind
    owner: str
    successor: str


class Sagas:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, saga: Saga, services: Sequence[tuple[str, int]], token_hash: bytes | None = None) -> None:
        """Owes every service its part, given with its place: a place begins when those before are done."""
        self._tx.run(
            "insert into sagas (id, kind, owner, successor, token_hash, created_at) values (?, ?, ?, ?, ?, ?)",
            saga.id,
            saga.kind,
            saga.owner,
            saga.successor,
            token_hash,
            saga.created_at,
        )
        for service, place in services:
            self._tx.run(
                "insert into saga_steps (saga_id, service, place, next_try_at) values (?, ?, ?, ?)",
                saga.id,
                service,
                place,
                saga.created_at,
            )

    def get(self, saga_id: str) -> Saga | None:
        return _saga(self._tx.one(f"select {COLUMNS} from sagas where id = ?", saga_id))  # noqa: S608 - a constant

    def with_token(self, token_hash: bytes) -> Saga | None:
        """The deletion whose receipt that token shows."""
        return _saga(self._tx.one(f"select {COLUMNS} from sagas where token_hash = ?", token_hash))  # noqa: S608

    def of_owner(self, owner: str) -> Saga | None:
        """An owner departs once."""
        return _saga(self._tx.one(f"select {COLUMNS} from sagas where owner = ?", owner))  # noqa: S608

    def counts(self, saga_id: str) -> dict[str, Counts | None]:
        """What each service gave over or erased; None where that is still to come."""
        rows = self._tx.all("select service, counts from saga_steps where saga_id = ? order by place, service", saga_id)
        return {row["service"]: json.loads(row["counts"]) if row["counts"] else None for row in rows}

    def due(self, service: str, kind: Kind, now: float, limit: int, *, longest_pause: float) -> list[Step]:
        """Steps of one service and kind that can be taken now. `longest_pause`: seconds that one is put off at most."""
        rows = self._tx.all(DUE, service=service, kind=kind, now=now, limit=limit, longest_pause=longest_pause)
        return [Step(**row) for row in rows]

    def done(self, step: Step, counts: Mapping[str, int], now: float) -> bool:
        """Ends a step; True when it was the last of its saga."""
        self._tx.run(
            "update saga_steps set done_at = ?, counts = ? where saga_id = ? and service = ? and done_at is null",
            int(now),
            json.dumps(counts),
            step.saga_id,
            step.service,
        )
        completed = self._tx.run(
            "update sagas set completed_at = :now where id = :id and completed_at is null"
            " and not exists (select 1 from saga_steps where saga_id = :id and done_at is null)",
            now=int(now),
            id=step.saga_id,
        )
        return completed == 1

    def remove_completed(self, before: int) -> None:
        """Drops those that were completed by then, with their receipts."""
        self._tx.run("delete from sagas where completed_at < ?", before)

    def postpone(self, step: Step, next_try_at: float) -> None:
        """Tries a step again later."""
        self._tx.run(
            "update saga_steps set tries = tries + 1, next_try_at = ? where saga_id = ? and service = ?",
            next_try_at,
            step.saga_id,
            step.service,
        )


def _saga(row: Row | None) -> Saga | None:
    return Saga(**row) if row else None
