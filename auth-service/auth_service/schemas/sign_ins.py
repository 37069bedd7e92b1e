"""What ways of signing in take and answer, and what a user sees of themselves."""

from typing import Literal

from pydantic import BaseModel, Field

from auth_service.schemas.values import Body, Email, InvitationCode, Password, Username

Transport = Literal["json", "cookie"]
MAXIMUM_TOKEN = 4096


class SigningIn(Body):
    """What every way of signing in takes."""

    transport: Transport = Field(
        "json",
        description="`cookie` keeps the refresh token in an HttpOnly cookie instead of the answer: for browsers.",
    )
    guest_token: str | None = Field(
        None,
        max_length=MAXIMUM_TOKEN,
        description="Access token of a guest: everything the guest made becomes the account's.",
    )


class SignUp(SigningIn):
    email: Email
    password: Password
    username: Username
    invitation: InvitationCode = None


class LogIn(SigningIn):
    email: Email
    password: Password


class EnterAsGuest(Body):
    transport: Transport = Field("json", description="As for the other ways of signing in.")


class RefreshTokenBody(Body):
    refresh_token: str | None = Field(
        None, max_length=256, description="Left out when it travels in the cookie of `transport: cookie`."
    )


class UserObject(BaseModel):
    id: str
    object: Literal["user"] = "user"
    email: str | None = Field(description="null for a guest, and where Google verified none.")
    email_verified: bool = Field(description="Whether Google, or a link that was sent there, has shown whose it is.")
    username: str | None = Field(description="null for a guest.")
    picture: str | None = Field(description="Address of an image.")
    role: Literal["user", "guest", "operator"]
    created_at: int = Field(description="Unix seconds.")


class Tokens(BaseModel):
    """What every way of signing in answers."""

    access_token: str
    refresh_token: str | None = Field(
        description="Good for one refresh, which answers the next one; null when it is in the cookie."
    )
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds the access token is valid.")
    user: UserObject
