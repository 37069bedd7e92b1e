"""Changing what one signs in with."""

from typing import Literal

from pydantic import BaseModel

from auth_service.schemas.accounts import LinkToken
from auth_service.schemas.values import Body, Confirmation, Email, Password


class ChangePassword(Body):
    current_password: Confirmation = None
    new_password: Password


class ChangeEmail(Body):
    email: Email
    password: Confirmation = None


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
