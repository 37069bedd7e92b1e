"""Receipts of contexts: kept with a response, shown on demand, and shown beforehand without asking the model."""

from typing import Any

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chat_service.admission import Admission
from chat_service.context import unpacked
from chat_service.contexts import Contexts
from chat_service.ownership import owned_response
from chat_service.problems import ContextNotKept
from chat_service.schemas.contexts import ContextObject
from chat_service.schemas.responses import CreateResponse
from chat_service.stores.contexts import SentContexts
from chat_service.stores.responses import StoredResponse


class Receipts:
    """What went, or would go, to the model. A foreign response and a missing one raise the same problem."""

    def __init__(self, database: Database, admission: Admission, contexts: Contexts, clock: Clock) -> None:
        self._database = database
        self._admission = admission
        self._contexts = contexts
        self._clock = clock

    async def of(self, owner: str, response_id: str) -> ContextObject:
        """Of a response. Raises `ContextNotKept` while it is not known yet, and when it was erased."""

        def read(tx: Transaction) -> ContextObject:
            response = owned_response(tx, owner, response_id)
            if response.receipt is None:
                raise ContextNotKept()
            packed = SentContexts(tx).find(response_id)
            messages = unpacked(packed) if packed else None
            return _shown(response, response.receipt, messages, response.id)

        return await self._database.read(read)

    async def preview(self, caller: Principal, asked: CreateResponse) -> ContextObject:
        """Of a turn that is not taken: nothing is stored, no model asked, no file waited for. Raises what it would."""
        asking = self._admission.read(caller, asked, None)
        if not asking.is_complete:
            incomplete = asking
            asking = await self._database.read(lambda tx: self._admission.complete(tx, incomplete))
        await self._admission.check_files(asking)
        now = self._clock()
        _, turn = await self._database.read(lambda tx: self._admission.plan(tx, asking, now))
        context = await self._contexts.assemble(turn, asking.items, waits=False)
        receipt = context.receipt()
        return _shown(turn, receipt.summary, receipt.messages, None)


def _shown(
    turn: StoredResponse, summary: dict[str, Any], messages: list[dict[str, Any]] | None, response_id: str | None
) -> ContextObject:
    return ContextObject(
        response_id=response_id,
        conversation_id=turn.conversation_id if response_id else None,
        model=turn.model,
        provider_model=turn.model_id,
        messages=messages,
        **summary,
    )
