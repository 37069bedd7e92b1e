"""A turn from the door to the end: accepted, then followed, awaited or stopped."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import copy_context
from typing import Any

from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.owners import Owners
from chassis.problems import Problem, StorageUnavailable
from chat_service.admission import Admission, Asking
from chat_service.allowances import Allowances
from chat_service.endings import recorded_problem
from chat_service.event_log import EventLog, Final
from chat_service.generation import Generations
from chat_service.ownership import owned_response
from chat_service.places import Told
from chat_service.problems import EventsExpired, ShuttingDown
from chat_service.repeats import Repeatable, Repeats
from chat_service.responses import describe
from chat_service.schemas.responses import CreateResponse
from chat_service.stores.items import Items
from chat_service.stores.responses import StoredResponse


class Turns:
    """What users do with turns. A foreign response and a missing one raise the same `ResponseNotFound`."""

    def __init__(
        self,
        database: Database,
        admission: Admission,
        repeats: Repeats,
        generations: Generations,
        event_log: EventLog,
        allowances: Allowances,
    ) -> None:
        self._database = database
        self._admission = admission
        self._repeats = repeats
        self._generations = generations
        self._event_log = event_log
        self._allowances = allowances

    async def accept(
        self,
        caller: Principal,
        asked: CreateResponse,
        repeatable: Repeatable | None,
        *,
        alias: str | None = None,
        told: Told | None = None,
    ) -> StoredResponse:
        """Stores the turn and begins to answer it; a repeated request gives the turn it first made.

        `alias` is another program's name for the conversation, `told` what it says of it.
        """
        asking = self._admission.read(caller, asked, repeatable, alias=alias, told=told)
        is_known = repeatable is not None and repeatable.claims_to_be_known
        if is_known and (earlier := await self._database.read(lambda tx: self._made_before(tx, asking))):
            return earlier
        if not asking.is_complete:
            incomplete = asking
            asking = await self._database.read(lambda tx: self._admission.complete(tx, incomplete))
        await self._admission.check_files(asking)
        if not self._generations.accepts:
            raise ShuttingDown()
        variables = copy_context()

        def write(tx: Transaction) -> StoredResponse:
            if is_known and (earlier := self._made_before(tx, asking)):
                return earlier
            accepted = self._admission.accept(tx, asking)
            # Not after the `await`: whoever asked may be gone by then, and the turn is accepted all the same.
            tx.after_commit(lambda: self._generations.start(accepted, variables))
            return accepted.turn

        return await self._database.write(write)

    async def headers(self, caller: Principal, turn: StoredResponse) -> dict[str, str]:
        """Of the answer: where the turn went, and what is left for whoever asked."""
        place = {"x-conversation-id": turn.conversation_id} if turn.conversation_id else {}
        return await self._allowances.headers(caller) | place

    async def follow(self, turn: StoredResponse) -> AsyncGenerator[bytes]:
        """The events of a turn from the first on."""
        try:
            async with aclosing(self._event_log.follow(turn.id, -1)) as following:
                async for events in following:
                    yield events
            self.delivered(turn)
        finally:
            self._left(turn)

    def delivered(self, turn: StoredResponse) -> None:
        """The whole answer went to whoever asked: sending the request again is asking again from here on."""
        self._repeats.delivered(turn.id)

    async def begun(self, turn: StoredResponse) -> dict[str, Any]:
        """The response as it stands."""
        return (await self._database.read(lambda tx: _read(tx, turn.owner, turn.id))).seen

    async def finished(self, turn: StoredResponse) -> dict[str, Any]:
        """The response at its end. Raises what it failed with, if that was before the model said anything."""
        try:
            final = await self._final(turn.owner, turn.id)
        finally:
            self._left(turn)
        if final.stored.error and not final.seen["output"]:
            raise recorded_problem(final.stored)
        return final.seen

    async def failure(self, turn: StoredResponse) -> Problem:
        """What a turn failed with."""
        return recorded_problem((await self._final(turn.owner, turn.id)).stored)

    async def cancel(self, owner: str, response_id: str) -> dict[str, Any]:
        """Stops a response; one that has ended stays as it is."""
        await self._database.read(lambda tx: _refuse_to_stop(tx, owner, response_id))
        final, _ = await asyncio.gather(self._final(owner, response_id), self._generations.stop(response_id))
        return final.seen

    def _made_before(self, tx: Transaction, asking: Asking) -> StoredResponse | None:
        """Raises `EventsExpired` when a stream is asked for that is not kept any more."""
        if not asking.repeatable:
            return None
        earlier = self._repeats.made_before(tx, asking.caller, asking.repeatable)
        if earlier and asking.asked.stream and not earlier.has_log:
            raise EventsExpired()
        return earlier

    def _left(self, turn: StoredResponse) -> None:
        """A turn that is not kept is not worth going on with when nobody listens."""
        if not turn.stored:
            self._generations.abandon(turn.id)

    async def _final(self, owner: str, response_id: str) -> Final:
        if final := await self._event_log.wait(response_id):
            return final
        final = await self._database.read(lambda tx: _read(tx, owner, response_id))
        if final.stored.status == "in_progress":
            raise StorageUnavailable("How the response ended could not be stored; it is recovered at the next start.")
        return final


def _refuse_to_stop(tx: Transaction, owner: str, response_id: str) -> None:
    Owners(tx).refuse_departed(owner)
    owned_response(tx, owner, response_id)


def _read(tx: Transaction, owner: str, response_id: str) -> Final:
    """A response for whoever was its owner when the turn was accepted; it may have been given to another since."""
    response = owned_response(tx, Owners(tx).present(owner), response_id)
    return Final(response, describe(response, Items(tx).of(response_id, "output")))
