"""Signing in with Google: what a front-end sends and is shown, and what we read of Google's ID tokens."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from auth_service.schemas.sign_ins import MAXIMUM_TOKEN, SigningIn
from auth_service.schemas.values import Body, Confirmation, InvitationCode

LATEST_TIME = 2**40
"""Unix seconds; beyond that it is a mistake."""

IdTokenText = Annotated[str, Field(max_length=MAXIMUM_TOKEN, description="As Google gave it to the front-end.")]
Time = Annotated[int, Field(ge=0, le=LATEST_TIME)]


class GoogleNonce(BaseModel):
    nonce: str = Field(description="To be handed to Google, which writes it into the ID token. Good for one sign-in.")
    expires_in: int = Field(description="Seconds.")


class SignInWithGoogle(SigningIn):
    id_token: IdTokenText
    invitation: InvitationCode = None


class LinkGoogle(Body):
    id_token: IdTokenText
    password: Confirmation = None


class IdentityObject(BaseModel):
    id: str
    object: Literal["identity"] = "identity"
    provider: Literal["google"]
    email: str | None = Field(description="What the Google account was called when it was linked.")
    created_at: int = Field(description="Unix seconds.")


class IdTokenClaims(BaseModel):
    """Claims of an ID token, as OpenID Connect types them; the last four only describe somebody and may be anything.

    An empty text means that the claim is not there.
    """

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    iss: Literal["accounts.google.com", "https://accounts.google.com"]
    aud: str
    azp: str = Field("", min_length=1)
    sub: str = Field(min_length=1, max_length=255)
    iat: Time
    exp: Time
    nbf: Time = 0
    nonce: str = Field("", min_length=1, max_length=256)
    email: object = None
    email_verified: object = None
    name: object = None
    picture: object = None
