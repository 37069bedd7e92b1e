"""What crosses the wire, and how e-mail addresses, names and passwords are spelled once they are in."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAXIMUM_EMAIL = 254
MAXIMUM_PASSWORD = 128
MAXIMUM_USERNAME = 64

_ATOM = r'[^\s@"(),:;<>\[\\\].]+'
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_ATOM}(\.{_ATOM})+")


def _email(text: str) -> str:
    """One spelling per address. `isprintable` refuses line ends, NUL, zero-width and direction marks."""
    address = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip(" ").lower())
    if len(address) > MAXIMUM_EMAIL or not address.isprintable() or not _ADDRESS.fullmatch(address):
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


Email = Annotated[
    str,
    Field(max_length=MAXIMUM_EMAIL, examples=["ada@example.org"], json_schema_extra={"format": "email"}),
    AfterValidator(_email),
]
Username = Annotated[str, Field(min_length=1, max_length=MAXIMUM_USERNAME, examples=["Ada"]), AfterValidator(_username)]
Password = Annotated[
    str, Field(max_length=MAXIMUM_PASSWORD, examples=["a long sentence is easiest"]), AfterValidator(_password)
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignUp(Body):
    email: Email
    password: Password
    username: Username


class LogIn(Body):
    email: Email
    password: Password


class RefreshTokenBody(Body):
    refresh_token: str = Field(max_length=256)


class UserObject(BaseModel):
    id: str
    object: Literal["user"] = "user"
    email: str | None = Field(description="null for a guest.")
    username: str | None = Field(description="null for a guest.")
    role: Literal["user", "guest", "operator"]
    created_at: int = Field(description="Unix seconds.")


class Tokens(BaseModel):
    """What every way of signing in answers."""

    access_token: str
    refresh_token: str = Field(description="Good for one refresh, which answers the next one.")
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds the access token is valid.")
    user: UserObject


class JsonWebKey(BaseModel):
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str
    kid: str = Field(description="RFC 7638 thumbprint.")
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class JsonWebKeySet(BaseModel):
    keys: list[JsonWebKey]
