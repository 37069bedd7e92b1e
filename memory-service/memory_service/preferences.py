"""What a user chose about the memory."""

from dataclasses import replace

from chassis.database import Database, Transaction
from chassis.owners import Owners
from memory_service.schemas.settings import ChangeMemorySettings
from memory_service.stores.preferences import Preference, Preferences


class PreferenceBook:
    """Choices of users; contexts read them by `Preferences`, in their own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, owner: str) -> Preference:
        """All of them, defaults included."""
        return await self._database.read(lambda tx: Preferences(tx).of(owner))

    async def change(self, owner: str, body: ChangeMemorySettings) -> Preference:
        """Changes what the body gives."""

        def change(tx: Transaction) -> Preference:
            Owners(tx).refuse_departed(owner)
            chosen = replace(Preferences(tx).of(owner), **body.model_dump(exclude_none=True))
            Preferences(tx).set(owner, chosen)
            return chosen

        return await self._database.write(change)
