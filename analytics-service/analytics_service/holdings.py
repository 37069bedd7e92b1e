"""What analytics holds of an owner: the calls and their sums. Both stay when an owner goes, under another name."""

from analytics_service.stores.usage_events import UsageEvents
from analytics_service.stores.usage_hours import UsageHours
from chassis.database import Transaction
from chassis.owners import Counts


class UsageHoldings:
    """`chassis.owners.Holdings` of analytics."""

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """Every call of `owner` is one of `into` from now on, in every period."""
        calls = UsageEvents(tx).give(owner, into)
        UsageHours(tx).give(owner, into)
        return {"calls": calls}

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """What was spent stays, under a name that leads to nobody."""
        return self.give(tx, owner, pseudonym)

    async def erased(self, owner: str) -> None:
        """There is nothing beside the rows."""
