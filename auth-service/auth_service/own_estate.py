"""Auth's own part in a merge or a deletion. Its rows went with the decision; copies of them may be left on pages."""

from chassis.database import Database
from chassis.owners import Counts


class OwnEstate:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def merge(self, owner: str, into: str) -> Counts:
        """Nothing here belongs to a guest but the guest's sessions, which have ended."""
        return {}

    async def erase(self, owner: str, pseudonym: str) -> Counts:
        """Raises `StorageUnavailable`, `StorageFull`."""
        await self._database.scrub()
        return {"accounts": 1}
