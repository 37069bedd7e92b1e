"""Everything that can differ between two deployments of analytics."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, development_secret


class Settings(ServiceSettings):
    auth_url: str = Field("http://127.0.0.1:8001", description="Where auth publishes the keys of access tokens.")
    secret_chat_analytics: SecretStr = Field(
        development_secret("chat-analytics"), description="Signs what chat sends to analytics."
    )
    secret_auth_analytics: SecretStr = Field(
        development_secret("auth-analytics"), description="Signs what auth says of merged and erased accounts."
    )
