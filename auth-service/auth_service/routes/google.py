"""`/v1/auth/google` and `/v1/auth/identities`: signing in with Google, and which accounts elsewhere lead here."""

from fastapi import APIRouter

from auth_service.dependencies import Anyone, CallersDevice, GoogleOfUsers, RefreshCookieHere, SignedUp
from auth_service.google import NONCE_SECONDS
from auth_service.schemas.google import GoogleNonce, IdentityObject, LinkGoogle, SignInWithGoogle
from auth_service.schemas.sign_ins import Tokens
from auth_service.stores.identities import LinkedIdentity
from chassis.pages import Page, page_of

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post("/google/nonce", operation_id="begin_google_sign_in", dependencies=[Anyone])
async def begin_google_sign_in(google: GoogleOfUsers, device: CallersDevice) -> GoogleNonce:
    """A nonce that makes the ID token good here once, and nowhere else."""
    return GoogleNonce(nonce=await google.nonce(device), expires_in=NONCE_SECONDS)


@router.post("/google", operation_id="sign_in_with_google", dependencies=[Anyone])
async def sign_in_with_google(
    body: SignInWithGoogle, google: GoogleOfUsers, device: CallersDevice, cookie: RefreshCookieHere
) -> Tokens:
    """Signs in with a Google ID token; whoever is new gets an account, which is a 200 as well."""
    return cookie.deliver(await google.sign_in(body, device), body.transport)


@router.post("/google/link", operation_id="link_google", status_code=204)
async def link_google(body: LinkGoogle, caller: SignedUp, google: GoogleOfUsers, device: CallersDevice) -> None:
    """Lets a Google account sign in to this account."""
    await google.link(caller, body, device)


@router.delete("/google/link", operation_id="unlink_google", status_code=204)
async def unlink_google(caller: SignedUp, google: GoogleOfUsers, device: CallersDevice) -> None:
    """Google signs in to this account no more."""
    await google.unlink(caller, device)


@router.get("/identities", operation_id="list_identities")
async def list_identities(caller: SignedUp, google: GoogleOfUsers) -> Page[IdentityObject]:
    """The accounts elsewhere that can sign in to this one: at most one of each provider."""
    shown = [_shown(identity) for identity in await google.identities(caller)]
    return page_of(shown, limit=len(shown))


def _shown(identity: LinkedIdentity) -> IdentityObject:
    return IdentityObject(id=identity.id, provider="google", email=identity.email, created_at=identity.created_at)
