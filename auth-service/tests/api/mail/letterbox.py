"""What a test sees of mail: files in the folder that stands for a mail server, and the rows that are still owed."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from chassis.testing import eventually

from ...kept import Kept


class Letterbox:
    """Of the service whose data is in that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settled(self) -> None:
        """Returns when nothing is owed any more."""
        eventually(lambda: self.rows("select id from mails") == [])

    def to(self, email: str) -> list[EmailMessage]:
        """Every mail to that address, in the order in which they were written, once nothing is owed any more."""
        self.settled()
        files = sorted((self.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        messages = [parsed(path.read_bytes()) for path in files]
        return [message for message in messages if message["to"].addresses[0].addr_spec == email]

    def subjects(self, email: str) -> list[str]:
        """Without the name of the place, which begins all of them."""
        return [message["subject"].removeprefix("Deepthinks: ") for message in self.to(email)]

    def token(self, email: str) -> str:
        """That of the latest mail to that address."""
        return token_in(self.to(email)[-1])

    def change(self, sql: str, *values: Any) -> None:
        """Changes what the service's database holds."""
        self.rows(sql, *values)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """What the service's database holds at the moment."""
        return Kept(self.folder).rows(sql, *values)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def token_in(message: EmailMessage) -> str:
    found = re.search(r"(?:token=|token )([A-Za-z0-9_-]{43})\b", text_of(message))
    assert found is not None
    return found[1]
