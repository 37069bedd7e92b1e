"""What a route of auth may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from auth_service.accounts import Accounts
from auth_service.admission import Admission
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from chassis.identity import Principal
from chassis.policies import Public, User

MAXIMUM_USER_AGENT = 256


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _sign_ins(request: Request) -> SignIns:
    sign_ins: SignIns = request.app.state.sign_ins
    return sign_ins


async def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


async def _signing_keys(request: Request) -> SigningKeys:
    signing_keys: SigningKeys = request.app.state.signing_keys
    return signing_keys


async def _user_agent(request: Request) -> str | None:
    """What the device calls itself, for the list of sessions."""
    named = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())
    return named[:MAXIMUM_USER_AGENT].strip() or None


Anyone = Depends(Public())
SignedIn = Annotated[Principal, Depends(User("account", keys=False))]
AccountsOfUsers = Annotated[Accounts, Depends(_accounts)]
SignInsOfUsers = Annotated[SignIns, Depends(_sign_ins)]
GatewayAdmission = Annotated[Admission, Depends(_admission)]
PublishedKeys = Annotated[SigningKeys, Depends(_signing_keys)]
UserAgent = Annotated[str | None, Depends(_user_agent)]
