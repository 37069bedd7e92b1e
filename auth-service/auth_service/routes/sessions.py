"""`/v1/auth/refresh` and `logout`, for who holds a refresh token, and `/v1/auth/sessions`, where one is signed in."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from auth_service.cookies import RefreshCookie
from auth_service.dependencies import Anyone, CallersDevice, RefreshCookieHere, SignedIn, SignInsOfUsers
from auth_service.problems import InvalidRefreshToken
from auth_service.schemas.sessions import SessionObject
from auth_service.schemas.sign_ins import RefreshTokenBody, Tokens, Transport
from auth_service.stores.sessions import Session
from chassis.identity import Principal
from chassis.pages import Page, PageParameters, page_of

NO_TOKEN = "There is no refresh token in the request, neither in its body nor as a cookie."

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post("/refresh", operation_id="refresh", dependencies=[Anyone])
async def refresh(
    sign_ins: SignInsOfUsers, device: CallersDevice, cookie: RefreshCookieHere, body: RefreshTokenBody | None = None
) -> Tokens:
    """Trades a refresh token, from the body or else the cookie, for new tokens; the old one is spent."""
    token, transport = _presented(body, cookie)
    try:
        tokens = await sign_ins.refresh(token, device)
    except InvalidRefreshToken:
        headers = cookie.expiry() if transport == "cookie" else None
        raise InvalidRefreshToken(None if token else NO_TOKEN, headers=headers) from None
    return cookie.deliver(tokens, transport)


@router.post("/logout", operation_id="log_out", status_code=204, dependencies=[Anyone])
async def log_out(sign_ins: SignInsOfUsers, cookie: RefreshCookieHere, body: RefreshTokenBody | None = None) -> None:
    """Ends the session of a refresh token, from the body or else the cookie; an unknown one is fine too."""
    token, transport = _presented(body, cookie)
    await sign_ins.end(token)
    if transport == "cookie":
        cookie.expire()


@router.get("/sessions", operation_id="list_sessions")
async def list_sessions(caller: SignedIn, sign_ins: SignInsOfUsers, page: PageParameters) -> Page[SessionObject]:
    """Where the user is signed in, newest first unless asked otherwise."""
    found = await sign_ins.page(caller.user_id, page)
    return page_of([_shown(session, caller) for session in found], page.limit)


@router.delete("/sessions", operation_id="delete_sessions", status_code=204)
async def delete_sessions(
    caller: SignedIn, sign_ins: SignInsOfUsers, keep_current: Annotated[bool, Query()] = False
) -> None:
    """Signs out everywhere, or everywhere else."""
    await sign_ins.revoke_all(caller.user_id, keep=caller.session_id if keep_current else None)


@router.delete("/sessions/{session_id}", operation_id="delete_session", status_code=204)
async def delete_session(
    session_id: Annotated[str, Path(max_length=64)], caller: SignedIn, sign_ins: SignInsOfUsers
) -> None:
    """Signs out there."""
    await sign_ins.revoke(caller.user_id, session_id)


def _presented(body: RefreshTokenBody | None, cookie: RefreshCookie) -> tuple[str, Transport]:
    """The refresh token and how it came; what the body says wins."""
    if body and body.refresh_token is not None:
        return body.refresh_token, "json"
    token = cookie.presented()
    return ("", "json") if token is None else (token, "cookie")


def _shown(session: Session, caller: Principal) -> SessionObject:
    return SessionObject(
        id=session.id,
        device=session.user_agent,
        address=session.address,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        current=session.id == caller.session_id,
    )
