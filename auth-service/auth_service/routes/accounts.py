"""`/v1/auth/signup`, `verify-email`, `login`, `guest` and `me`: who someone is."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from auth_service.dependencies import (
    AccountsOfUsers,
    Anyone,
    CallersDevice,
    LogInsOfUsers,
    RefreshCookieHere,
    SignedIn,
    SignedUp,
    VerificationsOfUsers,
)
from auth_service.schemas.accounts import (
    ChangeProfile,
    ResendVerification,
    VerificationRequested,
    VerificationSent,
    VerifyEmail,
)
from auth_service.schemas.sign_ins import EnterAsGuest, LogIn, SignUp, Tokens, UserObject

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post(
    "/signup",
    operation_id="sign_up",
    status_code=201,
    response_model=Tokens,
    responses={
        202: {"model": VerificationSent, "description": "Where addresses are verified: the link is on its way."}
    },
    dependencies=[Anyone],
)
async def sign_up(
    body: SignUp, accounts: AccountsOfUsers, device: CallersDevice, cookie: RefreshCookieHere
) -> Tokens | Response:
    """Makes an account and signs in; where addresses are verified, the mail's link does that."""
    begun = await accounts.sign_up(body, device)
    if isinstance(begun, VerificationSent):
        return JSONResponse(begun.model_dump(), status_code=202)
    return cookie.deliver(begun, body.transport)


@router.post(
    "/verify-email",
    operation_id="verify_email",
    response_model=Tokens,
    responses={204: {"description": "The address of an existing account is verified now; log in."}},
    dependencies=[Anyone],
)
async def verify_email(
    body: VerifyEmail, verifications: VerificationsOfUsers, device: CallersDevice, cookie: RefreshCookieHere
) -> Tokens | Response:
    """Takes the token of a mail's link. A sign-up becomes an account, and is signed in."""
    tokens = await verifications.verify(body, device)
    return cookie.deliver(tokens, body.transport) if tokens else Response(status_code=204)


@router.post("/verify-email/resend", operation_id="resend_verification", status_code=202, dependencies=[Anyone])
async def resend_verification(body: ResendVerification, verifications: VerificationsOfUsers) -> VerificationRequested:
    """Sends the link once more, if there is anything to verify."""
    return await verifications.resend(body.email)


@router.post("/login", operation_id="log_in", dependencies=[Anyone])
async def log_in(body: LogIn, log_ins: LogInsOfUsers, device: CallersDevice, cookie: RefreshCookieHere) -> Tokens:
    """Signs in with e-mail address and password."""
    return cookie.deliver(await log_ins.log_in(body, device), body.transport)


@router.post("/guest", operation_id="enter_as_guest", status_code=201, dependencies=[Anyone])
async def enter_as_guest(
    accounts: AccountsOfUsers, device: CallersDevice, cookie: RefreshCookieHere, body: EnterAsGuest | None = None
) -> Tokens:
    """Signs in without an account."""
    return cookie.deliver(await accounts.enter_as_guest(device), body.transport if body else "json")


@router.get("/me", operation_id="get_me")
async def get_me(caller: SignedIn, accounts: AccountsOfUsers) -> UserObject:
    """The signed-in user, guests included."""
    return await accounts.account(caller.user_id)


@router.patch("/me", operation_id="change_me")
async def change_me(body: ChangeProfile, caller: SignedUp, accounts: AccountsOfUsers) -> UserObject:
    """Changes username or picture."""
    return await accounts.change_profile(caller.user_id, body)
