"""Deleting an account, and the receipt."""

from typing import Literal

from pydantic import BaseModel, Field

from auth_service.schemas.values import Body, Confirmation


class DeleteAccount(Body):
    password: Confirmation = None


class DeletionObject(BaseModel):
    """How far a deletion has come."""

    id: str
    object: Literal["account.deletion"] = "account.deletion"
    status: Literal["in_progress", "completed"]
    requested_at: int = Field(description="Unix seconds.")
    completed_at: int | None
    erased: dict[str, dict[str, int] | None] = Field(
        description="By service, how many of what; null where that is still to come."
    )


class DeletionReceipt(DeletionObject):
    token: str = Field(description="Shows this receipt at `/v1/auth/deletions/{token}`; said once.")
