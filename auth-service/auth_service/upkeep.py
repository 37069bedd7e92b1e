"""Drops what has expired, so that the database holds what is of use; guests who can never come back are deleted."""

import asyncio
from contextlib import suppress
from typing import Self

import structlog

from auth_service.deletions import Deletions
from auth_service.stores.invitations import Invitations
from auth_service.stores.mail_tokens import MailTokens
from auth_service.stores.pending_sign_ups import PendingSignUps
from auth_service.stores.sagas import Sagas
from auth_service.stores.users import Users
from chassis.clock import Clock
from chassis.database import Database, Transaction

EVERY_SECONDS = 600.0
GUESTS_AT_ONCE = 50
MERGED_KEPT_SECONDS = 30 * 86_400
"""A sign-in repeated with the same guest token is recognised for so long; the token itself lives minutes."""
SAGAS_KEPT_SECONDS = 90 * 86_400
"""So long the receipt of a deletion is shown once everything is erased. Longer than `MERGED_KEPT_SECONDS`."""

log = structlog.get_logger()


class Upkeep:
    """`async with` runs its task: once at the start, then now and then."""

    def __init__(self, database: Database, deletions: Deletions, clock: Clock) -> None:
        self._database = database
        self._deletions = deletions
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="upkeep")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def sweep(self) -> int:
        """Drops what has expired; returns how many guests were deleted."""
        deleted = 0
        await self._database.write(self._drop_expired, frees_space=True)
        while count := await self._database.write(self._delete_lapsed_guests, frees_space=True):
            deleted += count
        return deleted

    async def _run(self) -> None:
        while True:
            try:
                if deleted := await self.sweep():
                    log.info("guests_deleted", count=deleted)
            except Exception as error:  # a full disk, say; the next time may be better
                log.warning("upkeep_failed", exc_info=error)
            await asyncio.sleep(EVERY_SECONDS)

    def _drop_expired(self, tx: Transaction) -> None:
        now = int(self._clock())
        Invitations(tx).remove_expired(now)
        MailTokens(tx).remove_expired(now)
        PendingSignUps(tx).remove_expired(now)
        Users(tx).remove_merged(now - MERGED_KEPT_SECONDS)
        Sagas(tx).remove_completed(now - SAGAS_KEPT_SECONDS)

    def _delete_lapsed_guests(self, tx: Transaction) -> int:
        lapsed = Users(tx).lapsed_guests(self._clock(), GUESTS_AT_ONCE)
        for guest_id in lapsed:
            self._deletions.decide(tx, guest_id, "system")
        return len(lapsed)
