"""The mails that auth has sent: in development they are files."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import apsw

from chassis.testing import eventually
from dev.stack import Stack

LINK = re.compile(r"\btoken[= ]([A-Za-z0-9_-]{20,})")


class Mailbox:
    """All mailboxes of the world, as far as one system writes to them."""

    def __init__(self, stack: Stack) -> None:
        self._folder = stack.folder / "auth" / "mail"
        self._kept = stack.folder / "auth" / "data.sqlite3"

    def settled(self) -> None:
        """Waits until no mail is owed."""
        eventually(lambda: not self._owed())

    def _owed(self) -> int:
        connection = apsw.Connection(str(self._kept), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(5000)
            return int(next(iter(connection.execute("select count(*) from mails")))[0])
        finally:
            connection.close()

    def letters(self, kind: str, to: str | None = None) -> list[EmailMessage]:
        """Oldest first. `kind` is that of the letter, such as `reset_password`."""
        return [letter for letter in self._read(kind) if to is None or addressee(letter) == to]

    def letter(self, kind: str, to: str, *, number: int = 1) -> EmailMessage:
        """The letter of that number; waits for it."""
        found: list[EmailMessage] = eventually(lambda: (seen := self.letters(kind, to))[number - 1 :] and seen)
        return found[number - 1]

    def token(self, kind: str, to: str, *, number: int = 1) -> str:
        """What the link in it is good for."""
        return token_of(self.letter(kind, to, number=number))

    def _read(self, kind: str) -> Iterator[EmailMessage]:
        files = [(file.stat().st_mtime_ns, file) for file in self._folder.glob(f"[!.]*-{kind}-*.eml")]
        for _, file in sorted(files):
            letter = message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(letter, EmailMessage)
            yield letter


def addressee(letter: EmailMessage) -> str:
    return str(letter["to"].addresses[0].addr_spec)


def token_of(letter: EmailMessage) -> str:
    found = LINK.search(text_of(letter))
    assert found, "there is no link in it"
    return found[1]


def text_of(letter: EmailMessage) -> str:
    """The plain text."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
