"""The published keys of access tokens (RFC 7517)."""

from typing import Literal

from pydantic import BaseModel, Field


class JsonWebKey(BaseModel):
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str
    kid: str = Field(description="RFC 7638 thumbprint.")
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class JsonWebKeySet(BaseModel):
    keys: list[JsonWebKey]
