"""Everything that can differ between two deployments of auth."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from chassis.identity import LONGEST_ACCESS_SECONDS
from chassis.settings import MINIMUM_SECRET_LENGTH, ServiceSettings, development_secret

DAY = 86_400
"""Seconds."""


class Settings(ServiceSettings):
    max_body_bytes: int = Field(16_384, ge=1_000, description="Largest request body.")
    jwt_secret_key: SecretStr = Field(
        development_secret("jwt"), description="Signs access tokens and seals what sessions keep; auth alone gets it."
    )
    jwt_previous_secret_keys: SecretStr | None = Field(
        None, description="Earlier values of JWT_SECRET_KEY, separated by commas: they verify, but sign nothing."
    )
    access_token_seconds: int = Field(
        600, ge=30, le=LONGEST_ACCESS_SECONDS, description="How long an access token is valid."
    )
    session_seconds: int = Field(30 * DAY, ge=3600, description="How long a session lasts after its last refresh.")
    refresh_grace_seconds: int = Field(
        10, ge=0, le=60, description="How long a refresh may be repeated, for a client that missed the answer."
    )
    password_min_length: int = Field(8, ge=8, le=64, description="Fewest characters of a new password.")
    argon2_memory_kib: int = Field(65_536, ge=8, description="Memory of one password hash.")
    argon2_iterations: int = Field(3, ge=1, description="Passes of one password hash over its memory.")
    argon2_lanes: int = Field(4, ge=1, le=16, description="Threads of one password hash.")
    argon2_at_once: int = Field(4, ge=1, le=64, description="Password hashes computed at once; bounds the memory.")
    argon2_waiting: int = Field(200, ge=0, description="Password hashes that may wait; beyond that sign-ins get a 503.")

    @model_validator(mode="after")
    def refuse_secrets_that_cannot_be_rotated(self) -> Self:
        """The present secret becomes one of a list; in production each of that list must be as long as it is."""
        if "," in self.jwt_secret_key.get_secret_value():
            raise ValueError("JWT_SECRET_KEY must not contain a comma: it could not become a previous one")
        if self.deepthinks_env == "production" and min(map(len, self.secrets)) < MINIMUM_SECRET_LENGTH:
            raise ValueError(
                f"each of JWT_PREVIOUS_SECRET_KEYS must have at least {MINIMUM_SECRET_LENGTH} characters"
                " when DEEPTHINKS_ENV=production"
            )
        return self

    @property
    def secrets(self) -> list[str]:
        """The present secret, then the previous ones."""
        given = [self.jwt_secret_key, self.jwt_previous_secret_keys or SecretStr("")]
        named = ",".join(secret.get_secret_value() for secret in given).split(",")
        return list(dict.fromkeys(secret.strip() for secret in named if secret.strip()))
