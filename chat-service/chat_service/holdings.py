"""All that chat holds of an owner: given with a guest that is merged, erased with an account. What was spent stays."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from chassis.database import Database, Transaction
from chassis.outbox import rewrite_pending
from chassis.owners import Counts, Owners
from chat_service.generation import Generations
from chat_service.provider_keys import ProviderKeys
from chat_service.running_calls import RunningCalls
from chat_service.stores.conversation_aliases import ConversationAliases
from chat_service.stores.conversations import Conversations
from chat_service.stores.guest_turns import GuestTurns
from chat_service.stores.idempotency_keys import IdempotencyKeys
from chat_service.stores.ledger import LedgerRows
from chat_service.stores.provider_keys import ProviderKeyRows
from chat_service.stores.responses import Responses
from chat_service.stores.user_settings import UserSettings
from chat_service.titling import Titling

Rewrite = Callable[[dict[str, Any]], dict[str, Any] | None]


class ChatHoldings:
    """`chassis.owners.Holdings` of chat: conversations, what runs in them, and the ledger."""

    def __init__(
        self,
        database: Database,
        generations: Generations,
        calls: RunningCalls,
        titling: Titling,
        provider_keys: ProviderKeys,
    ) -> None:
        self._database = database
        self._provider_keys = provider_keys
        self._generations = generations
        self._calls = calls
        self._titling = titling

    def give(self, tx: Transaction, owner: str, into: str) -> Counts:
        """What runs goes on, and is billed to the new owner at its end. Events keep the name they were made under.

        Settings of the new owner's own win. A provider key opens for one owner only, and guests have none.
        """
        self._drop_provider_key(tx, owner)
        GuestTurns(tx).forget(owner)
        return {
            "aliases": ConversationAliases(tx).give(owner, into),
            "conversations": Conversations(tx).give(owner, into),
            "responses": Responses(tx).give(owner, into),
            "idempotency_keys": IdempotencyKeys(tx).give(owner, into),
            "ledger_rows": LedgerRows(tx).give(owner, into),
            "settings": UserSettings(tx).give(owner, into),
        }

    def erase(self, tx: Transaction, owner: str, pseudonym: str) -> Counts:
        """The ledger stays, and what analytics is still to be told of it; neither leads to anybody."""
        rewrite_pending(tx, "memory", _dropped(tx, owner))
        rewrite_pending(tx, "analytics", _put_to(tx, owner, pseudonym))
        return {
            "idempotency_keys": IdempotencyKeys(tx).erase_all(owner),
            "responses": Responses(tx).erase_all(owner),
            "aliases": ConversationAliases(tx).erase_all(owner),
            "conversations": Conversations(tx).erase_all(owner),
            "ledger_rows": LedgerRows(tx).give(owner, pseudonym),
            "settings": UserSettings(tx).erase(owner),
            "guest_turns": GuestTurns(tx).forget(owner),
            "provider_keys": self._drop_provider_key(tx, owner),
        }

    def _drop_provider_key(self, tx: Transaction, owner: str) -> int:
        tx.after_commit(partial(self._provider_keys.forget, owner))
        return ProviderKeyRows(tx).erase(owner)

    async def erased(self, owner: str) -> None:
        """Stops what runs for whoever is gone; what it cost so far is written down when this returns."""
        running = self._generations.owners() | self._calls.owners() | self._titling.owners()
        gone = await self._database.read(lambda tx: {each for each in running if Owners(tx).is_erased(each)})
        await asyncio.gather(self._generations.stop_all(gone), self._calls.stop_all(gone), self._titling.stop_all(gone))


def _dropped(tx: Transaction, owner: str) -> Rewrite:
    """Drops what tells of the owner, under the name of a guest that became it too."""
    return lambda data: None if Owners(tx).present(data["owner"]) == owner else data


def _put_to(tx: Transaction, owner: str, pseudonym: str) -> Rewrite:
    return lambda data: {**data, "owner": pseudonym} if Owners(tx).present(data["owner"]) == owner else data
