"""What a user's calls used in a period."""

from analytics_service.problems import InvalidPeriod
from analytics_service.schemas import END_OF_TIME, ConversationUsage, Counts, ModelUsage, UsageReport
from analytics_service.stores.usage_sums import UsageSums
from chassis.database import Database, Transaction

MOST_CONVERSATIONS = 100


class Usage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, owner: str, start: int | None, end: int | None) -> UsageReport:
        """The exact sums, all from one snapshot. Raises `InvalidPeriod`."""
        if start is not None and end is not None and end < start:
            raise InvalidPeriod(param="to")
        return await self._database.read(lambda tx: _report(tx, owner, start, end))


def _report(tx: Transaction, owner: str, start: int | None, end: int | None) -> UsageReport:
    sums = UsageSums(tx, owner, 0 if start is None else start, END_OF_TIME if end is None else end)
    conversations = sums.by_conversation(MOST_CONVERSATIONS + 1)
    return UsageReport(
        start=start,
        end=end,
        total=Counts(**sums.total()),
        by_model=[ModelUsage(**row) for row in sums.by_model()],
        by_conversation=[ConversationUsage(**row) for row in conversations[:MOST_CONVERSATIONS]],
        has_more=len(conversations) > MOST_CONVERSATIONS,
    )
