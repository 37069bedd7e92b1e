"""What every service's settings share: where it listens, where its data is, and how strict it must be."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_ONLY = "development-only-"
MINIMUM_SECRET_LENGTH = 32


def development_secret(name: str) -> SecretStr:
    """A default that works on a laptop and stops the start in production."""
    return SecretStr(f"{DEVELOPMENT_ONLY}{name}-{'0' * MINIMUM_SECRET_LENGTH}")


class ServiceSettings(BaseSettings):
    """Read from environment variables of the same names in capitals; nothing else reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    secrets_of_others: ClassVar[frozenset[str]] = frozenset()
    """Secret fields whose values are not ours to choose, so that their length proves nothing."""

    deepthinks_env: Literal["development", "production"] = Field(
        "development", description="`production` refuses missing, short or default secrets."
    )
    service_host: str = Field("127.0.0.1", description="Address the service listens on.")
    service_port: int = Field(0, ge=0, le=65535, description="Port the service listens on; 0 takes a free one.")
    service_data: Path = Field(Path(".data"), description="Folder that holds everything the service keeps.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="`text` is for people at a terminal.")
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Largest request body; uploads have their own limit.")
    storage_reserve_bytes: int = Field(
        64_000_000, ge=0, description="Writes are refused while the disk has less than this free."
    )

    @model_validator(mode="after")
    def refuse_weak_secrets_in_production(self) -> Self:
        """Every `SecretStr` field that is set must be long and our own in production; an optional one may be unset."""
        if self.deepthinks_env == "production":
            for name in type(self).model_fields:
                value = getattr(self, name)
                if isinstance(value, SecretStr) and name not in self.secrets_of_others:
                    _refuse_weak(name, value.get_secret_value())
        return self


def is_weak(secret: str) -> bool:
    """Whether anybody knows it, or could try all that are as long."""
    return secret.startswith(DEVELOPMENT_ONLY) or len(secret) < MINIMUM_SECRET_LENGTH


def _refuse_weak(name: str, secret: str) -> None:
    if is_weak(secret):
        raise ValueError(
            f"{name.upper()} must be set to a secret of your own of at least {MINIMUM_SECRET_LENGTH} characters"
            " when DEEPTHINKS_ENV=production (`make secrets` makes one)"
        )
