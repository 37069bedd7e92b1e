"""How e-mail addresses, names and passwords are spelled once they are in; the base of request bodies."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAXIMUM_EMAIL = 254
MAXIMUM_PASSWORD = 128
MAXIMUM_USERNAME = 64
MAXIMUM_PICTURE = 2048

_ATOM = r'[^\s@"(),:;<>\[\\\].]+'
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_ATOM}(\.{_ATOM})+")
# No user name, no port and no character that could end an attribute or a style where a front-end puts it.
_PICTURE = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(/[A-Za-z0-9._~:/?#@!$&*+,;=%-]*)?")


def _email(text: str) -> str:
    """One spelling per address. `isprintable` refuses line ends, NUL, zero-width and direction marks."""
    address = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip(" ").lower())
    is_encoded_word = "=?" in address  # RFC 2047: a mail program would read another address in it
    if len(address) > MAXIMUM_EMAIL or not address.isprintable() or is_encoded_word or not _ADDRESS.fullmatch(address):
        raise ValueError("this is not an e-mail address")
    return address


def _username(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip(" ")
    if not 1 <= len(name) <= MAXIMUM_USERNAME or not name.isprintable():
        raise ValueError(f"a username has 1 to {MAXIMUM_USERNAME} printable characters")
    return name


def _password(text: str) -> str:
    """The same password whichever keyboard composed its accents."""
    return unicodedata.normalize("NFC", text)


def _picture(text: str) -> str:
    """It is shown by front-ends and never fetched here, so only its form matters."""
    if not _PICTURE.fullmatch(text):
        raise ValueError("a picture is the https address of an image")
    return text


Email = Annotated[
    str,
    Field(max_length=MAXIMUM_EMAIL, examples=["ada@example.org"], json_schema_extra={"format": "email"}),
    AfterValidator(_email),
]
Username = Annotated[str, Field(min_length=1, max_length=MAXIMUM_USERNAME, examples=["Ada"]), AfterValidator(_username)]
Password = Annotated[
    str, Field(max_length=MAXIMUM_PASSWORD, examples=["a long sentence is easiest"]), AfterValidator(_password)
]
Picture = Annotated[
    str,
    Field(max_length=MAXIMUM_PICTURE, examples=["https://example.org/ada.png"], json_schema_extra={"format": "uri"}),
    AfterValidator(_picture),
]


Confirmation = Annotated[Password | None, Field(description="Of an account that has one; others need a fresh sign-in.")]
"""The password of somebody who is signed in, once more."""
InvitationCode = Annotated[str | None, Field(max_length=256, description="Where new accounts are by invitation.")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
