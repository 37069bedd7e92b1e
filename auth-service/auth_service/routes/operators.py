"""`/internal/operators`: what the command line asks of the running service. The gateway does not route it."""

from typing import Annotated

from fastapi import APIRouter, Depends

from auth_service.dependencies import OperatorsWork
from auth_service.routes.deletions import shown
from auth_service.schemas.deletions import DeletionReceipt
from auth_service.schemas.operators import (
    AccountDetails,
    AuditPage,
    CreateAccount,
    CreatedAccount,
    Invitation,
    Invite,
    NamedAccount,
    ReadAudit,
    Revoke,
    Revoked,
    SetRole,
)
from chassis.policies import Service

Operator = Annotated[str, Depends(Service(("operator",)))]

router = APIRouter(prefix="/internal/operators", tags=["operators"])


@router.post("/create", operation_id="operator_create_account", status_code=201)
async def create(body: CreateAccount, _: Operator, operators: OperatorsWork) -> CreatedAccount:
    """Makes an account that can sign in at once."""
    return await operators.create(body)


@router.post("/show", operation_id="operator_show_account")
async def show(body: NamedAccount, _: Operator, operators: OperatorsWork) -> AccountDetails:
    """Who that is."""
    return await operators.show(body.account)


@router.post("/disable", operation_id="operator_disable_account")
async def disable(body: NamedAccount, _: Operator, operators: OperatorsWork) -> AccountDetails:
    """Keeps somebody out, at once."""
    return await operators.disable(body.account)


@router.post("/enable", operation_id="operator_enable_account")
async def enable(body: NamedAccount, _: Operator, operators: OperatorsWork) -> AccountDetails:
    """Lets somebody in again."""
    return await operators.enable(body.account)


@router.post("/role", operation_id="operator_set_role")
async def set_role(body: SetRole, _: Operator, operators: OperatorsWork) -> AccountDetails:
    """Makes a user an operator, or an operator a user."""
    return await operators.set_role(body.account, body.role)


@router.post("/revoke", operation_id="operator_revoke")
async def revoke(body: Revoke, _: Operator, operators: OperatorsWork) -> Revoked:
    """Ends sessions and API keys."""
    return await operators.revoke(body)


@router.post("/delete", operation_id="operator_delete_account", status_code=202)
async def delete(body: NamedAccount, _: Operator, operators: OperatorsWork) -> DeletionReceipt:
    """Deletes an account and everything in it, at every service."""
    receipt, token = await operators.delete(body.account)
    return DeletionReceipt(token=token, **shown(receipt).model_dump())


@router.post("/invite", operation_id="operator_invite", status_code=201)
async def invite(body: Invite, _: Operator, operators: OperatorsWork) -> Invitation:
    """Makes a code that lets one person sign up."""
    return await operators.invite(body)


@router.post("/audit", operation_id="operator_read_audit")
async def audit(body: ReadAudit, _: Operator, operators: OperatorsWork) -> AuditPage:
    """The newest entries of the audit log."""
    return AuditPage(data=await operators.audit(body.account, body.limit))
