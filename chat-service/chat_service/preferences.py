"""What users chose: who they are to the model, how it answers, how front-ends look."""

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from chat_service.models import Catalogue
from chat_service.problems import ModelNotFound, ModelUnsuitable
from chat_service.schemas.settings import ChangeSettings
from chat_service.stores.user_settings import Preferences, UserSettings


class PreferenceBook:
    """Preferences of users; turns read them by `UserSettings`, in their own transaction."""

    def __init__(self, database: Database, catalogue: Catalogue, clock: Clock) -> None:
        self._database = database
        self._catalogue = catalogue
        self._clock = clock

    async def find(self, owner: str) -> Preferences:
        """All of them, defaults included."""
        return await self._database.read(lambda tx: UserSettings(tx).find(owner))

    async def change(self, owner: str, body: ChangeSettings) -> Preferences:
        """Changes what the body gives. Raises `ModelNotFound`, and `Unauthenticated` for a user who is gone."""
        changes = body.model_dump(exclude_unset=True)
        if not changes:
            return await self.find(owner)
        if body.default_mode:
            self._refuse_unknown(body.default_mode)

        def write(tx: Transaction) -> Preferences:
            Owners(tx).refuse_departed(owner)
            return UserSettings(tx).change(owner, changes, self._clock())

        return await self._database.write(write)

    def _refuse_unknown(self, mode: str) -> None:
        try:
            self._catalogue.choose(mode)
        except (ModelNotFound, ModelUnsuitable):
            raise ModelNotFound(param="default_mode") from None
