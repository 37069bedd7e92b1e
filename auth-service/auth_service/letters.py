"""What mails say. Nothing that a user typed stands in one: no mail of ours carries a stranger's words."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid
from html import escape
from typing import Literal

from auth_service.settings import Settings

LetterKind = Literal[
    "sign_up",
    "verify_email",
    "already_registered",
    "reset_password",
    "change_email",
    "address_taken",
    "password_changed",
    "password_reset",
    "email_changed",
]


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the operator's front-end, and the call that the page makes with the token."""

    page: str
    call: str
    life: str


@dataclass(frozen=True, slots=True)
class Letter:
    """`{app}` stands for the place's name. The link comes between `before` and `after`."""

    subject: str
    before: str
    after: str
    link: Link | None = None


NOT_YOU = "If this was not you, reset your password at once, and tell whoever runs {app}."
LETTERS: dict[LetterKind, Letter] = {
    "sign_up": Letter(
        "{app}: confirm your e-mail address",
        "Somebody, hopefully you, is signing up to {app} with this e-mail address. To begin the account:",
        "If you are not signing up, do not follow it; nothing will happen then.",
        Link("verify-email", "POST /v1/auth/verify-email", "24 hours"),
    ),
    "verify_email": Letter(
        "{app}: confirm your e-mail address",
        "There is an account at {app} with this e-mail address that nobody has confirmed yet. If it is yours:",
        "If you have no account there, do not follow it: somebody else may have typed your address.",
        Link("verify-email", "POST /v1/auth/verify-email", "24 hours"),
    ),
    "already_registered": Letter(
        "{app}: you have an account already",
        "Somebody, hopefully you, was signing up to {app} with this e-mail address, which has an account already.",
        "Log in with your password, or reset it if you have forgotten it. If this was not you, there is nothing to do.",
    ),
    "reset_password": Letter(
        "{app}: reset your password",
        "Somebody, hopefully you, has forgotten the password of your account at {app}. To choose a new one:",
        "If this was not you, there is nothing to do; your password has not been changed.",
        Link("reset-password", "POST /v1/auth/password/reset", "30 minutes"),
    ),
    "change_email": Letter(
        "{app}: confirm your new e-mail address",
        "This is to become the e-mail address of an account at {app}. If it is your account:",
        "If you have no account there, do not follow it: somebody else may have typed your address.",
        Link("confirm-email", "POST /v1/auth/email/confirm", "1 hour"),
    ),
    "address_taken": Letter(
        "{app}: this e-mail address has an account already",
        "Somebody, hopefully you, wanted to make this the e-mail address of another account at {app}.",
        "It has an account already, so nothing was changed. If this was not you, there is nothing to do.",
    ),
    "password_changed": Letter(
        "{app}: your password was changed",
        "The password of your account at {app} was changed, and every other session was signed out.",
        NOT_YOU,
    ),
    "password_reset": Letter(
        "{app}: your password was reset",
        "The password of your account at {app} was reset by a link in a mail, and every session was signed out.",
        NOT_YOU,
    ),
    "email_changed": Letter(
        "{app}: your e-mail address was changed",
        "This is no longer the e-mail address of your account at {app}, and every other session was signed out.",
        "If this was not you, tell whoever runs {app} at once.",
    ),
}


class Stationery:
    """Puts letters into messages, with the operator's name, sender and front-end."""

    def __init__(self, settings: Settings) -> None:
        self._app_name = settings.app_name
        self._app_url = settings.app_url
        self._sender = settings.mail_sender

    def message(self, kind: LetterKind, to: str, now: float, token: str | None = None) -> EmailMessage:
        """A letter as plain text and as simple HTML. `token` is for those that have a link."""
        letter = LETTERS[kind]
        parts = [self._named(letter.before)]
        if letter.link and token:
            parts += [self._destination(letter.link, token), f"It is good for {letter.link.life}, once."]
        parts.append(self._named(letter.after))
        username, _, domain = to.partition("@")  # of an address that was validated: there is one @
        message = EmailMessage(policy=policy.SMTP)
        message["Subject"] = self._named(letter.subject)
        message["From"] = self._sender
        message["To"] = Address(username=username, domain=domain)
        message["Date"] = datetime.fromtimestamp(int(now), UTC)
        message["Message-ID"] = make_msgid(domain=self._sender.domain)
        message["Auto-Submitted"] = "auto-generated"
        text, html = "\n\n".join(parts) + "\n", "".join(map(_paragraph, parts))
        encoding = "7bit" if text.isascii() else "quoted-printable"  # 7bit keeps links whole for who reads the source
        message.set_content(text, cte=encoding)
        message.add_alternative(html, subtype="html", cte=encoding)
        return message

    def _named(self, text: str) -> str:
        return text.replace("{app}", self._app_name)

    def _destination(self, link: Link, token: str) -> str:
        """Only the operator says where links lead: never the request, whose Host anybody can choose."""
        if self._app_url:
            return f"{self._app_url}/{link.page}?token={token}"
        return f"{link.call} with the token {token}"


def _paragraph(text: str) -> str:
    shown = escape(text)
    return (
        f'<p><a href="{shown}">{shown}</a></p>\n' if text.startswith(("https://", "http://")) else f"<p>{shown}</p>\n"
    )
