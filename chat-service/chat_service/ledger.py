"""The ledger: each call of the model is written down once and told to analytics."""

from collections.abc import Callable
from dataclasses import asdict, replace

from chassis.database import Database, Transaction
from chassis.outbox import Outbox
from chassis.owners import Owners
from chat_service.ledger_records import CallRecord
from chat_service.stores.guest_turns import GuestTurns
from chat_service.stores.ledger import LedgerRows

Charge = Callable[[str, int], None]


class Ledger:
    """Append-only; the row and the event that tells of it are one transaction. `charge` hears what it came to."""

    def __init__(self, database: Database, outbox: Outbox, charge: Charge) -> None:
        self._database = database
        self._outbox = outbox
        self._charge = charge

    async def record(self, record: CallRecord) -> None:
        """Writes a call down in a transaction of its own."""
        await self._database.write(lambda tx: self.write(tx, record), frees_space=True)

    def write(self, tx: Transaction, record: CallRecord) -> None:
        """Writes a call down as part of the caller's transaction; one that is there already stays as it is.

        It is put to whoever its owner has become since it began. A guest gets back the turn that came to nothing.
        """
        owner = Owners(tx).present(record.owner)
        call = asdict(replace(record, owner=owner))
        if LedgerRows(tx).add(call):
            if record.came_to_nothing:
                GuestTurns(tx).give_back(owner)
            tx.after_commit(lambda: self._charge(owner, record.input_tokens + record.output_tokens))
            self._outbox.put(tx, to="analytics", kind="usage.recorded", key=record.call_id, data=call)
