"""How mail leaves: through the operator's SMTP server, or into a folder where development has none."""

import asyncio
import os
import smtplib
import ssl
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import structlog

TIMEOUT_SECONDS = 10.0
PERMANENT = 500
"""SMTP answers from here on will not change by asking again."""

log = structlog.get_logger()


class MailUndelivered(Exception):
    """Not this time. `reason` names a kind of failure or an SMTP answer, never what was written or to whom."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MailRefused(MailUndelivered):
    """The server will never take this mail."""


class Outbound(Protocol):
    async def send(self, message: EmailMessage, *, to: str, kind: str) -> None:
        """Returns when somebody else is responsible for it. Raises `MailUndelivered`, `MailRefused`."""


class SmtpServer:
    """One connection a mail: mails are few, and a connection that is kept is one that may have died."""

    def __init__(self, host: str, port: int, *, sender: str, security: str, username: str, password: str) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._security = security
        self._username = username
        self._password = password

    async def send(self, message: EmailMessage, *, to: str, kind: str) -> None:
        await asyncio.to_thread(self._send, message, to)

    def _send(self, message: EmailMessage, recipient: str) -> None:
        try:
            smtp = self._connect()
            try:
                self._begin(smtp)
                if not recipient.isascii() and not smtp.has_extn("smtputf8"):
                    raise MailRefused("smtputf8_missing")
                # The envelope is given, not read from the headers: it cannot differ from what was validated.
                smtp.send_message(message, from_addr=self._sender, to_addrs=[recipient])
                with suppress(OSError):
                    smtp.quit()
            finally:
                smtp.close()
        except smtplib.SMTPRecipientsRefused as error:
            raise _failure(error.recipients[recipient][0]) from None
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code) from None
        except smtplib.SMTPResponseException as error:  # of the server as it is set up, not of this mail
            raise MailUndelivered(f"smtp_{error.smtp_code}") from None
        except OSError as error:
            raise MailUndelivered(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        own_name = self._sender.partition("@")[2]
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, own_name, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self._host, self._port, own_name, timeout=TIMEOUT_SECONDS)

    def _begin(self, smtp: smtplib.SMTP) -> None:
        if self._security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        if self._username:
            smtp.login(self._username, self._password)
        smtp.ehlo_or_helo_if_needed()


class MailFolder:
    """Each mail becomes a file that mail programs open: `<time>-<kind>-<id>.eml`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage, *, to: str, kind: str) -> None:
        name = await asyncio.to_thread(self._write, message, kind)
        log.info("mail_written", name=name)

    def _write(self, message: EmailMessage, kind: str) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        when = message["date"].datetime.strftime("%Y%m%dT%H%M%SZ")
        name = f"{when}-{kind}-{os.urandom(4).hex()}.eml"
        unfinished = self._folder / f".{name}"  # whoever watches the folder sees whole mails only
        with open(unfinished, "xb", opener=_for_owner_only) as file:
            file.write(message.as_bytes(policy=policy.SMTPUTF8))
        unfinished.rename(self._folder / name)
        return name


class NoWayOut:
    """Takes nothing: whatever is owed waits for the service, whose settings know the mail server."""

    async def send(self, message: EmailMessage, *, to: str, kind: str) -> None:
        raise MailUndelivered("service_stopped")


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _failure(code: int) -> MailUndelivered:
    return (MailRefused if code >= PERMANENT else MailUndelivered)(f"smtp_{code}")
