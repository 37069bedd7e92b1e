"""`/.well-known/jwks.json`: the public keys of access tokens."""

from fastapi import APIRouter, Response

from auth_service.dependencies import Anyone, PublishedKeys
from auth_service.schemas.signing_keys import JsonWebKeySet

router = APIRouter(tags=["auth"], dependencies=[Anyone])


@router.get("/.well-known/jwks.json", operation_id="get_keys")
async def get_keys(keys: PublishedKeys, response: Response) -> JsonWebKeySet:
    """The present key and those of previous secrets."""
    response.headers["cache-control"] = "public, max-age=300"
    return keys.published()
