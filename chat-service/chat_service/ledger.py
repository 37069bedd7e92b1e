"""The ledger: each call of the model is written down once and told to analytics."""

from dataclasses import asdict, replace

from chassis.database import Database, Transaction
from chassis.outbox import Outbox
from chassis.owners import Owners
from chat_service.ledger_records import CallRecord
from chat_service.stores.ledger import LedgerRows


class Ledger:
    """Append-only; the row and the event that tells of it are one transaction."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def admit(self, owner: str) -> None:
        """Raises `Unauthenticated` when there is no such account any more to put a call to."""
        await self._database.read(lambda tx: Owners(tx).refuse_departed(owner))

    async def record(self, record: CallRecord) -> None:
        """Writes a call down in a transaction of its own."""
        await self._database.write(lambda tx: self.write(tx, record), frees_space=True)

    def write(self, tx: Transaction, record: CallRecord) -> None:
        """Writes a call down as part of the caller's transaction; one that is there already stays as it is.

        It is put to whoever its owner has become since it began.
        """
        call = asdict(replace(record, owner=Owners(tx).present(record.owner)))
        if LedgerRows(tx).add(call):
            self._outbox.put(tx, to="analytics", kind="usage.recorded", key=record.call_id, data=call)
