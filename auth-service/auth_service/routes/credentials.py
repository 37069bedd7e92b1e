"""`/v1/auth/password` and `/v1/auth/email`: changing what one signs in with, and forgetting it."""

from fastapi import APIRouter, Response

from auth_service.dependencies import Anyone, CallersDevice, CredentialsOfUsers, ResetsOfPasswords, SignedUp
from auth_service.schemas.credentials import (
    ChangeEmail,
    ChangePassword,
    ConfirmEmail,
    EmailChange,
    ForgotPassword,
    ResetPassword,
    ResetRequested,
)

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post("/password", operation_id="change_password", status_code=204)
async def change_password(
    body: ChangePassword, caller: SignedUp, credentials: CredentialsOfUsers, device: CallersDevice
) -> None:
    """Changes the password, or sets the first one; ends every other session."""
    await credentials.change_password(caller, body, device)


@router.post("/password/forgot", operation_id="forgot_password", status_code=202, dependencies=[Anyone])
async def forgot_password(body: ForgotPassword, resets: ResetsOfPasswords) -> ResetRequested:
    """Sends a link that resets the password, if there is an account."""
    return await resets.ask(body.email)


@router.post("/password/reset", operation_id="reset_password", status_code=204, dependencies=[Anyone])
async def reset_password(body: ResetPassword, resets: ResetsOfPasswords, device: CallersDevice) -> None:
    """Takes the token of a mail's link; ends every session."""
    await resets.redeem(body, device)


@router.post(
    "/email",
    operation_id="change_email",
    responses={202: {"model": EmailChange, "description": "Where addresses are verified: the link is on its way."}},
)
async def change_email(
    body: ChangeEmail, caller: SignedUp, credentials: CredentialsOfUsers, device: CallersDevice, response: Response
) -> EmailChange:
    """Changes the e-mail address; where addresses are verified, the link in the mail to the new one does that."""
    change = await credentials.change_email(caller, body, device)
    response.status_code = 200 if change.status == "changed" else 202
    return change


@router.post("/email/confirm", operation_id="confirm_email", dependencies=[Anyone])
async def confirm_email(body: ConfirmEmail, credentials: CredentialsOfUsers, device: CallersDevice) -> EmailChange:
    """Takes the token of a mail's link; ends every session but the one that asked for it."""
    return await credentials.confirm_email(body.token, device)
