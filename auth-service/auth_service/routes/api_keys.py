"""`/v1/auth/keys`: what programs sign in with."""

from typing import Annotated

from fastapi import APIRouter, Path

from auth_service.dependencies import CallersDevice, KeyRingsOfUsers, SignedUp
from auth_service.schemas.api_keys import ApiKeyObject, CreateApiKey, NewApiKey, RenameApiKey
from auth_service.stores.api_keys import ApiKey
from chassis.pages import Page, PageParameters, page_of

KeyId = Annotated[str, Path(max_length=64)]

router = APIRouter(prefix="/v1/auth/keys", tags=["auth"])


@router.post("", operation_id="create_api_key", status_code=201)
async def create_api_key(
    body: CreateApiKey, caller: SignedUp, key_rings: KeyRingsOfUsers, device: CallersDevice
) -> NewApiKey:
    """Makes an API key; this answer is the only one that shows it."""
    key, secret = await key_rings.create(caller, body, device)
    return NewApiKey(key=secret, **_shown(key).model_dump())


@router.get("", operation_id="list_api_keys")
async def list_api_keys(caller: SignedUp, key_rings: KeyRingsOfUsers, page: PageParameters) -> Page[ApiKeyObject]:
    """The account's keys, newest first unless asked otherwise; expired ones too."""
    found = await key_rings.page(caller.user_id, page)
    return page_of([_shown(key) for key in found], page.limit)


@router.get("/{key_id}", operation_id="get_api_key")
async def get_api_key(key_id: KeyId, caller: SignedUp, key_rings: KeyRingsOfUsers) -> ApiKeyObject:
    """One key."""
    return _shown(await key_rings.find(caller.user_id, key_id))


@router.patch("/{key_id}", operation_id="rename_api_key")
async def rename_api_key(
    key_id: KeyId, body: RenameApiKey, caller: SignedUp, key_rings: KeyRingsOfUsers
) -> ApiKeyObject:
    """Gives it another name; what a key may do is decided once."""
    return _shown(await key_rings.rename(caller.user_id, key_id, body.name))


@router.delete("/{key_id}", operation_id="revoke_api_key", status_code=204)
async def revoke_api_key(key_id: KeyId, caller: SignedUp, key_rings: KeyRingsOfUsers, device: CallersDevice) -> None:
    """Revokes it for good; what it was exchanged for is refused at the gateway too."""
    await key_rings.revoke(caller.user_id, key_id, device)


def _shown(key: ApiKey) -> ApiKeyObject:
    return ApiKeyObject(
        id=key.id,
        name=key.name,
        scopes=key.scopes.split(),
        last_four=key.last_four,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
