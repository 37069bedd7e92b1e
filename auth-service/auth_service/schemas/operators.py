"""What the operators' command line says to the service, and what it gets to see."""

from typing import Literal

from pydantic import BaseModel, Field

from auth_service.schemas.values import Body, Email, Password, Username

Reference = Field(min_length=1, max_length=254, description="An e-mail address, or the id of a user.")


class CreateAccount(Body):
    email: Email
    username: Username
    password: Password | None = Field(None, description="Without one, a good one is made and answered.")
    role: Literal["user", "operator"] = "user"


class NamedAccount(Body):
    account: str = Reference


class SetRole(NamedAccount):
    role: Literal["user", "operator"]


class Revoke(NamedAccount):
    sessions: bool = True
    keys: bool = True


class Invite(Body):
    email: Email | None = Field(None, description="Whom it is for; whoever has the code without it.")
    valid_seconds: int = Field(7 * 86_400, ge=60, le=90 * 86_400)


class ReadAudit(Body):
    account: str | None = Field(None, min_length=1, max_length=254)
    limit: int = Field(50, ge=1, le=1000)


class AuditObject(BaseModel):
    at: int = Field(description="Unix seconds.")
    event: str
    user_id: str | None
    actor: str
    subject: str | None = Field(description="Id of the session, key or saga it is about.")
    address: str | None


class AuditPage(BaseModel):
    """Newest first."""

    data: list[AuditObject]


class AccountDetails(BaseModel):
    """An account as operators see it; nothing of what its owner said or keeps."""

    id: str
    role: str
    email: str | None
    email_verified: bool
    username: str | None
    has_password: bool
    google: list[str | None] = Field(description="E-mail addresses of linked Google accounts.")
    created_at: int
    disabled_at: int | None
    merged_into: str | None
    sessions: int = Field(description="How many hold.")
    keys: int = Field(description="API keys.")
    last_used_at: int | None


class CreatedAccount(BaseModel):
    account: AccountDetails
    password: str | None = Field(description="The one that was made; it is shown once.")


class Revoked(BaseModel):
    sessions: int
    keys: int


class Invitation(BaseModel):
    code: str = Field(description="Shown once.")
    expires_at: int
