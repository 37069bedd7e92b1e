"""Accounts: waiting for their mail to be answered, and what their owners change about themselves."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth_service.schemas.sign_ins import SigningIn
from auth_service.schemas.values import Body, Email, Picture, Username

LinkToken = Annotated[str, Field(max_length=256, description="From the link in the mail.")]


class VerificationSent(BaseModel):
    """The same whether or not the address has an account already: its mailbox learns that, nobody else."""

    object: Literal["sign_up"] = "sign_up"
    status: Literal["verification_sent"] = "verification_sent"
    email: str


class VerifyEmail(SigningIn):
    token: LinkToken


class ResendVerification(Body):
    email: Email


class VerificationRequested(BaseModel):
    """The same for every address; a mail follows where there is something to verify."""

    object: Literal["email_verification"] = "email_verification"
    status: Literal["requested"] = "requested"
    email: str


class ChangeProfile(Body):
    """What is left out stays as it is."""

    username: Username = Field(default_factory=str)
    picture: Picture | None = Field(
        None, description="null takes it away. Front-ends show it; it is never fetched here."
    )
