"""`/v1/provider-key`: the caller's own key for the provider."""

from typing import Annotated

from fastapi import APIRouter, Depends

from chassis.identity import Principal
from chassis.policies import User
from chat_service.dependencies import ProviderKeysHere
from chat_service.schemas.provider_key import ProviderKeyObject, PutProviderKey
from chat_service.stores.provider_keys import StoredKey

MayLook = Annotated[Principal, Depends(User("chat:read", keys=False, guests=False))]
MayChange = Annotated[Principal, Depends(User("chat:write", keys=False, guests=False))]

router = APIRouter(prefix="/v1/provider-key", tags=["settings"])


@router.get("", operation_id="get_provider_key")
async def get_provider_key(caller: MayLook, keys: ProviderKeysHere) -> ProviderKeyObject:
    """Whether there is one; the key itself is never shown."""
    return _shown(await keys.find(caller.user_id))


@router.put("", operation_id="put_provider_key")
async def put_provider_key(body: PutProviderKey, caller: MayChange, keys: ProviderKeysHere) -> ProviderKeyObject:
    """Asks the provider whether it accepts the key, and keeps it encrypted for the caller's turns."""
    return _shown(await keys.put(caller.user_id, body.key.get_secret_value()))


@router.delete("", operation_id="delete_provider_key")
async def delete_provider_key(caller: MayChange, keys: ProviderKeysHere) -> ProviderKeyObject:
    """The caller's turns go by the server's key again."""
    await keys.remove(caller.user_id)
    return _shown(None)


def _shown(key: StoredKey | None) -> ProviderKeyObject:
    return ProviderKeyObject(
        set=key is not None,
        last_four=key.last_four if key else None,
        created_at=int(key.created_at) if key else None,
    )
