"""`/v1/auth/refresh` and `logout`: the refresh token in the body is the credential."""

from fastapi import APIRouter

from auth_service.dependencies import Anyone, SignInsOfUsers
from auth_service.schemas import RefreshTokenBody, Tokens

router = APIRouter(prefix="/v1/auth", tags=["auth"], dependencies=[Anyone])


@router.post("/refresh", operation_id="refresh")
async def refresh(body: RefreshTokenBody, sign_ins: SignInsOfUsers) -> Tokens:
    """Trades a refresh token for new tokens; the old one is spent."""
    return await sign_ins.refresh(body.refresh_token)


@router.post("/logout", operation_id="log_out", status_code=204)
async def log_out(body: RefreshTokenBody, sign_ins: SignInsOfUsers) -> None:
    """Ends the session of a refresh token; an unknown one is fine too."""
    await sign_ins.end(body.refresh_token)
