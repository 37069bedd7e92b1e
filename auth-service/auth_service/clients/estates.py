"""What an owner has at another service: given to an account, or erased, when auth says so."""

from chassis.neighbours import Neighbour
from chassis.owners import ERASE_PATH, MERGE_PATH, Counts, Departure

DEADLINE_SECONDS = 15.0


class RemoteEstate:
    """One service that holds rows of owners. Calls may be repeated. They raise `NeighbourDown`, `NeighbourRefused`."""

    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def merge(self, owner: str, into: str) -> Counts:
        """Gives everything to `into`."""
        return await self._tell(MERGE_PATH, {"owner": owner, "into": into})

    async def erase(self, owner: str, pseudonym: str) -> Counts:
        """Erases everything; what was spent stays under the pseudonym."""
        return await self._tell(ERASE_PATH, {"owner": owner, "pseudonym": pseudonym})

    async def _tell(self, path: str, body: dict[str, str]) -> Counts:
        answer = await self._neighbour.call("POST", path, json=body, deadline=DEADLINE_SECONDS, idempotent=True)
        return Departure.model_validate_json(answer.content).counts
