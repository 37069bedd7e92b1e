"""`/v1/auth/deletion` and `/v1/auth/deletions/{token}`: an account goes, and its receipt."""

from typing import Annotated

from fastapi import APIRouter, Path

from auth_service.deletions import Receipt
from auth_service.dependencies import Anyone, DeletionsOfAccounts, SignedIn
from auth_service.schemas.deletions import DeleteAccount, DeletionObject, DeletionReceipt

router = APIRouter(prefix="/v1/auth", tags=["auth"])


@router.post("/deletion", operation_id="delete_account", status_code=202)
async def delete_account(body: DeleteAccount, caller: SignedIn, deletions: DeletionsOfAccounts) -> DeletionReceipt:
    """Deletes the account and everything in it, at every service; guests too."""
    receipt, token = await deletions.delete_own(caller, body.password)
    return DeletionReceipt(token=token, **shown(receipt).model_dump())


@router.get("/deletions/{token}", operation_id="get_deletion", dependencies=[Anyone])
async def get_deletion(token: Annotated[str, Path(max_length=128)], deletions: DeletionsOfAccounts) -> DeletionObject:
    """How far a deletion has come."""
    return shown(await deletions.receipt(token))


def shown(receipt: Receipt) -> DeletionObject:
    """As it crosses the wire."""
    saga = receipt.saga
    return DeletionObject(
        id=saga.id,
        status="completed" if saga.completed_at else "in_progress",
        requested_at=saga.created_at,
        completed_at=saga.completed_at,
        erased=receipt.erased,
    )
