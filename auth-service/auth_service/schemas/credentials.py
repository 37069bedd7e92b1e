"""Changing what one signs in with."""

from typing import Literal

from pydantic import BaseModel, Field

from auth_service.schemas.accounts import LinkToken
from auth_service.schemas.values import Body, Email, Password

OF_AN_ACCOUNT_THAT_HAS_ONE = "Of an account that has one; others need a fresh sign-in."


class ChangePassword(Body):
    current_password: Password | None = Field(None, description=OF_AN_ACCOUNT_THAT_HAS_ONE)
    new_password: Password


class ChangeEmail(Body):
    email: Email
    password: Password | None = Field(None, description=OF_AN_ACCOUNT_THAT_HAS_ONE)


class ConfirmEmail(Body):
    token: LinkToken


class EmailChange(BaseModel):
    """`verification_sent` is said also when the address is taken: its mailbox learns that, nobody else."""

    object: Literal["email_change"] = "email_change"
    status: Literal["changed", "verification_sent"]
    email: str


class ForgotPassword(Body):
    email: Email


class ResetRequested(BaseModel):
    """The same for every address; a mail follows where there is an account."""

    object: Literal["password_reset"] = "password_reset"
    status: Literal["requested"] = "requested"
    email: str


class ResetPassword(Body):
    token: LinkToken
    new_password: Password
