"""`/v1/auth/signup`, `login`, `guest` and `me`: who someone is."""

from fastapi import APIRouter

from auth_service.dependencies import AccountsOfUsers, Anyone, SignedIn, UserAgent
from auth_service.schemas import LogIn, SignUp, Tokens, UserObject

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post("/signup", operation_id="sign_up", status_code=201, dependencies=[Anyone])
async def sign_up(body: SignUp, accounts: AccountsOfUsers, user_agent: UserAgent) -> Tokens:
    """Makes an account and signs in."""
    return await accounts.sign_up(body.email, body.password, body.username, user_agent)


@router.post("/login", operation_id="log_in", dependencies=[Anyone])
async def log_in(body: LogIn, accounts: AccountsOfUsers, user_agent: UserAgent) -> Tokens:
    """Signs in with e-mail address and password."""
    return await accounts.log_in(body.email, body.password, user_agent)


@router.post("/guest", operation_id="enter_as_guest", status_code=201, dependencies=[Anyone])
async def enter_as_guest(accounts: AccountsOfUsers, user_agent: UserAgent) -> Tokens:
    """Signs in without an account."""
    return await accounts.enter_as_guest(user_agent)


@router.get("/me", operation_id="get_me")
async def get_me(caller: SignedIn, accounts: AccountsOfUsers) -> UserObject:
    """The signed-in user, guests included."""
    return await accounts.account(caller.user_id)
