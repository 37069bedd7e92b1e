"""The postman: a mail is owed in the transaction that gives reason for it, and tried behind it until it has left."""

import asyncio
from contextlib import suppress
from typing import Self

import structlog

from auth_service.clients.mail import MailRefused, MailUndelivered, Outbound
from auth_service.correspondence import Correspondence
from auth_service.letters import LetterKind, Stationery
from auth_service.opaque_tokens import hash_of, new_token
from auth_service.problems import MailNotConfigured, TooManyAttempts
from auth_service.settings import DAY, Settings
from auth_service.stores.mail_tokens import MailTokens
from auth_service.stores.mails import Mail, MailKind, Mails
from auth_service.stores.users import User
from auth_service.throttles import Throttle
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id

AT_ONCE = 4
POLL_SECONDS = 1.0
FIRST_RETRY_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 3600.0
GIVEN_UP_SECONDS = DAY

log = structlog.get_logger()


class Postman:
    """`async with` runs its task."""

    def __init__(
        self, database: Database, settings: Settings, outbound: Outbound, throttle: Throttle, clock: Clock
    ) -> None:
        self._database = database
        self._sends_mail = settings.sends_mail
        self._outbound = outbound
        self._stationery = Stationery(settings)
        self._correspondence = Correspondence(clock)
        self._throttle = throttle
        self._clock = clock
        self._due = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="postman")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def refuse_without_mail(self) -> None:
        """Raises `MailNotConfigured` where there is no way to send mail: for everybody alike."""
        if not self._sends_mail:
            raise MailNotConfigured()

    def may_ask(self, kind: MailKind, email: str) -> bool:
        """Whether that mailbox may be sent one more. Counted by kind: no stranger's sign-ups keep a reset from it."""
        try:
            self._throttle.take(f"{kind} {email}")
        except TooManyAttempts:
            return False
        return True

    def owe(
        self,
        tx: Transaction,
        kind: MailKind,
        email: str,
        *,
        user_id: str | None = None,
        pending_id: str | None = None,
        session_id: str | None = None,
    ) -> None:
        """Will be sent if the caller's transaction is committed; where there is no mail, nothing is owed."""
        if self._sends_mail:
            Mails(tx).add(Mail(new_id("mail"), kind, email, user_id, pending_id, session_id, self._clock()))
            tx.after_commit(self._due.set)

    def take_back(self, tx: Transaction, user: User) -> None:
        """Whatever would still change password or address: what is owed is not sent, and links are good for nothing."""
        self.take_back_change(tx, user)
        MailTokens(tx).remove_of(user.id, "reset_password")
        if user.email:
            Mails(tx).remove_to(user.email, "reset_password")

    def take_back_change(self, tx: Transaction, user: User) -> None:
        """The same of changes of address alone."""
        MailTokens(tx).remove_of(user.id, "change_email")
        Mails(tx).remove_of(user.id, "change_email")

    async def _run(self) -> None:
        while True:
            self._due.clear()
            try:
                mails = await self._database.read(self._mails_due)
                await asyncio.gather(*(self._deliver(mail) for mail in mails))
            except Exception as error:
                log.error("postman_failed", exc_info=error)
                await asyncio.sleep(POLL_SECONDS)
                continue
            if not mails:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), POLL_SECONDS)

    def _mails_due(self, tx: Transaction) -> list[Mail]:
        return Mails(tx).due(self._clock(), AT_ONCE, longest_pause=LONGEST_RETRY_SECONDS)

    async def _deliver(self, mail: Mail) -> None:
        token = new_token()
        # The token's hash is on disk before the mail leaves: no link ever arrives that is not good.
        letter = await self._database.write(lambda tx: self._decide(tx, mail, hash_of(token)), frees_space=True)
        if letter is None:
            return
        try:
            message = self._stationery.message(letter, mail.email, self._clock(), token)
            await self._outbound.send(message, to=mail.email, kind=letter)
        except MailRefused as refusal:
            await self._give_up(mail, refusal.reason)
        except MailUndelivered as failure:
            await self._postpone(mail, failure.reason)
        except Exception as error:  # one mail must not hold up the others
            log.error("mail_failed", kind=mail.kind, exc_info=error)
            await self._postpone(mail, type(error).__name__)
        else:
            await self._database.write(lambda tx: Mails(tx).remove(mail.id), frees_space=True)

    def _decide(self, tx: Transaction, mail: Mail, token_hash: bytes) -> LetterKind | None:
        """None when nothing is owed any more."""
        if not Mails(tx).is_owed(mail.id):  # taken back since it was read
            return None
        letter = self._correspondence.letter(tx, mail, token_hash)
        if letter is None:
            Mails(tx).remove(mail.id)
        return letter

    async def _postpone(self, mail: Mail, reason: str) -> None:
        now = self._clock()
        pause = min(FIRST_RETRY_SECONDS * 2 ** min(mail.tries, 20), LONGEST_RETRY_SECONDS)
        if now + pause > mail.created_at + GIVEN_UP_SECONDS:
            await self._give_up(mail, reason)
            return
        log.warning("mail_postponed", kind=mail.kind, reason=reason, tries=mail.tries + 1)
        await self._database.write(lambda tx: Mails(tx).postpone(mail.id, now + pause), frees_space=True)

    async def _give_up(self, mail: Mail, reason: str) -> None:
        log.error("mail_given_up", kind=mail.kind, reason=reason, tries=mail.tries + 1)
        await self._database.write(lambda tx: Mails(tx).remove(mail.id), frees_space=True)
