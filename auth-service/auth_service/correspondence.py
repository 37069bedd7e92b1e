"""What an owed mail says, decided when it is sent: the answer to who asked for it came before, and tells nothing."""

from auth_service.letters import LetterKind
from auth_service.settings import DAY
from auth_service.stores.mail_tokens import MailToken, MailTokens, Purpose
from auth_service.stores.mails import Mail
from auth_service.stores.pending_sign_ups import PendingSignUps
from auth_service.stores.users import Users
from chassis.clock import Clock
from chassis.database import Transaction

LIVES: dict[Purpose, int] = {"sign_up": DAY, "verify_email": DAY, "change_email": 3600, "reset_password": 1800}
"""Seconds that a link is good for; the letters say so too."""


class Correspondence:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def letter(self, tx: Transaction, mail: Mail, token_hash: bytes) -> LetterKind | None:
        """Which letter it is; None when there is nothing to say. If it has a link, `token_hash` will be good for it."""
        match mail.kind:
            case "sign_up" | "verify_email":
                return self._verification(tx, mail, token_hash)
            case "reset_password":
                return self._reset(tx, mail, token_hash)
            case "change_email":
                return self._change(tx, mail, token_hash)
            case notice:
                return notice

    def _verification(self, tx: Transaction, mail: Mail, token_hash: bytes) -> LetterKind | None:
        user = Users(tx).with_email(mail.email)
        if user and (mail.kind == "sign_up" or user.email_verified_at is not None):
            return "already_registered"
        if user:
            return self._linked(tx, mail, token_hash, "verify_email", user_id=user.id)
        waiting, now = PendingSignUps(tx), self._clock()
        pending = waiting.get(mail.pending_id, now) if mail.pending_id else waiting.newest(mail.email, now)
        return self._linked(tx, mail, token_hash, "sign_up", pending_id=pending.id) if pending else None

    def _reset(self, tx: Transaction, mail: Mail, token_hash: bytes) -> LetterKind | None:
        user = Users(tx).with_email(mail.email)
        if user is None or user.disabled_at is not None:
            return None
        return self._linked(tx, mail, token_hash, "reset_password", user_id=user.id)

    def _change(self, tx: Transaction, mail: Mail, token_hash: bytes) -> LetterKind | None:
        if Users(tx).with_email(mail.email):
            return "address_taken"
        return self._linked(tx, mail, token_hash, "change_email", user_id=mail.user_id)

    def _linked(
        self,
        tx: Transaction,
        mail: Mail,
        token_hash: bytes,
        purpose: Purpose,
        *,
        user_id: str | None = None,
        pending_id: str | None = None,
    ) -> LetterKind:
        good_until = int(self._clock()) + LIVES[purpose]
        MailTokens(tx).add(MailToken(token_hash, purpose, user_id, pending_id, mail.session_id, mail.email, good_until))
        return purpose
