"""What a route of auth may ask for."""

from typing import Annotated

from fastapi import Depends, Request, Response

from auth_service.accounts import Accounts
from auth_service.api_keys import KeyRings
from auth_service.cookies import RefreshCookie
from auth_service.credentials import Credentials
from auth_service.deletions import Deletions
from auth_service.devices import Device, network_of
from auth_service.google import Google
from auth_service.log_ins import LogIns
from auth_service.operators import Operators
from auth_service.password_resets import PasswordResets
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.verifications import Verifications
from chassis.identity import Principal
from chassis.policies import Public, User
from chassis.problems import Unauthenticated

MAXIMUM_USER_AGENT = 256


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _log_ins(request: Request) -> LogIns:
    log_ins: LogIns = request.app.state.log_ins
    return log_ins


async def _verifications(request: Request) -> Verifications:
    verifications: Verifications = request.app.state.verifications
    return verifications


async def _credentials(request: Request) -> Credentials:
    credentials: Credentials = request.app.state.credentials
    return credentials


async def _password_resets(request: Request) -> PasswordResets:
    password_resets: PasswordResets = request.app.state.password_resets
    return password_resets


async def _sign_ins(request: Request) -> SignIns:
    sign_ins: SignIns = request.app.state.sign_ins
    return sign_ins


async def _key_rings(request: Request) -> KeyRings:
    key_rings: KeyRings = request.app.state.key_rings
    return key_rings


async def _refresh_cookie(request: Request, response: Response) -> RefreshCookie:
    cookie: RefreshCookie = request.app.state.refresh_cookie(request, response)
    return cookie


async def _deletions(request: Request) -> Deletions:
    deletions: Deletions = request.app.state.deletions
    return deletions


async def _operators(request: Request) -> Operators:
    operators: Operators = request.app.state.operators
    return operators


async def _google(request: Request) -> Google:
    google: Google = request.app.state.google
    return google


async def _signing_keys(request: Request) -> SigningKeys:
    signing_keys: SigningKeys = request.app.state.signing_keys
    return signing_keys


async def _device(request: Request) -> Device:
    """The gateway says in `X-Real-IP` who asked it; whatever else a client claims about its address is not read."""
    named = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())
    peer = request.client.host if request.client else ""
    return Device(
        user_agent=named[:MAXIMUM_USER_AGENT].strip() or None,
        address=network_of(request.headers.get("x-real-ip", peer)),
    )


Anyone = Depends(Public())
AccessToken = Annotated[Principal, Depends(User("account", keys=False))]
AccessTokenOfAccount = Annotated[Principal, Depends(User("account", keys=False, guests=False))]
SignInsOfUsers = Annotated[SignIns, Depends(_sign_ins)]


async def _signed_in(caller: AccessToken, sign_ins: SignInsOfUsers) -> Principal:
    """A token outlives its session by up to ten minutes; the other services learn the end from the gateway alone."""
    if not await sign_ins.holds(caller.session_id):
        raise Unauthenticated()
    return caller


async def _signed_up(caller: AccessTokenOfAccount, sign_ins: SignInsOfUsers) -> Principal:
    return await _signed_in(caller, sign_ins)


SignedIn = Annotated[Principal, Depends(_signed_in)]
SignedUp = Annotated[Principal, Depends(_signed_up)]
AccountsOfUsers = Annotated[Accounts, Depends(_accounts)]
LogInsOfUsers = Annotated[LogIns, Depends(_log_ins)]
VerificationsOfUsers = Annotated[Verifications, Depends(_verifications)]
CredentialsOfUsers = Annotated[Credentials, Depends(_credentials)]
ResetsOfPasswords = Annotated[PasswordResets, Depends(_password_resets)]
KeyRingsOfUsers = Annotated[KeyRings, Depends(_key_rings)]
RefreshCookieHere = Annotated[RefreshCookie, Depends(_refresh_cookie)]
DeletionsOfAccounts = Annotated[Deletions, Depends(_deletions)]
OperatorsWork = Annotated[Operators, Depends(_operators)]
GoogleOfUsers = Annotated[Google, Depends(_google)]
PublishedKeys = Annotated[SigningKeys, Depends(_signing_keys)]
CallersDevice = Annotated[Device, Depends(_device)]
