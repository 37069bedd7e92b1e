"""Everything that can differ between two deployments of chat; nothing else reads the environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import MINIMUM_SECRET_LENGTH, ServiceSettings, development_secret, is_weak


class Settings(ServiceSettings):
    """The settings of chat-service."""

    auth_url: str = Field("http://127.0.0.1:8001", description="Where auth publishes its keys.")

    secret_auth_chat: SecretStr = Field(
        development_secret("auth-chat"), description="Signs what auth says of merged and erased accounts."
    )

    max_body_bytes: int = Field(12_000_000, ge=1_000, description="Largest request body: a turn with its images.")

    # The model
    together_api_key: SecretStr = Field(
        development_secret("together"), description="Key for Together; the offline stand-in takes any."
    )
    provider_key_secret: SecretStr = Field(
        development_secret("provider-keys"), description="Seals users' own keys for Together; chat alone gets it."
    )
    provider_key_secrets_previous: SecretStr | None = Field(
        None,
        description="Earlier values of PROVIDER_KEY_SECRET, separated by commas: at its start chat seals anew what"
        " lies under them.",
    )
    together_base_url: str = Field(
        "https://api.together.ai", description="Together, or anything that speaks like it; a trailing /v1 is dropped."
    )
    models_file: Path | None = Field(
        None, description="Modes, prompts, models and prices of this deployment, instead of the packaged `models.toml`."
    )
    max_output_tokens: int = Field(6_000, ge=1, description="Most tokens one answer may have, whatever was asked for.")
    model_first_chunk_seconds: float = Field(
        60.0, gt=0, description="From the start of a call to its first words, retries included."
    )
    model_between_chunks_seconds: float = Field(30.0, gt=0, description="Longest silence in the middle of an answer.")
    model_call_seconds: float = Field(600.0, gt=0, description="Longest a whole call may take.")
    model_retries: int = Field(2, ge=0, le=2, description="Further tries of a call that failed before its first words.")
    model_max_connections: int = Field(4_000, ge=1, description="Calls to the model that may run at the same time.")
    stream_keep_alive_seconds: float = Field(15.0, gt=0, description="Silence after which a stream sends a comment.")
    completion_max_messages: int = Field(2_000, ge=1, description="Most messages of one stateless completion.")
    completion_max_characters: int = Field(
        1_000_000, ge=1, description="Most text in those messages, or of one request for embeddings, all together."
    )

    # Turns
    memory_url: str = Field("http://127.0.0.1:8003", description="Where memory listens.")
    files_url: str = Field("http://127.0.0.1:8004", description="Where files listens.")
    analytics_url: str = Field("http://127.0.0.1:8005", description="Where analytics listens.")
    secret_chat_memory: SecretStr = Field(
        development_secret("chat-memory"), description="Signs service tokens between chat and memory."
    )
    secret_chat_files: SecretStr = Field(
        development_secret("chat-files"), description="Signs service tokens between chat and files."
    )
    secret_chat_analytics: SecretStr = Field(
        development_secret("chat-analytics"), description="Signs service tokens between chat and analytics."
    )
    input_max_characters: int = Field(400_000, ge=1, description="Most text of one turn, all messages together.")
    turn_max_files: int = Field(20, ge=0, description="Most files that one turn may name.")
    turn_max_images: int = Field(8, ge=0, description="Most images of one turn, uploaded or sent along.")
    memory_seconds: float = Field(0.3, gt=0, description="A turn goes on without memory after so long.")
    memory_tokens: int = Field(8_000, ge=0, description="Room for what memory adds to a turn.")
    history_tokens: int = Field(8_000, ge=0, description="Room for turns that memory does not know yet.")
    file_tokens: int = Field(32_000, ge=0, description="Room for the text of the files that a turn names.")
    file_wait_seconds: float = Field(60.0, gt=0, description="Longest wait for files that are still being read.")
    events_kept_seconds: float = Field(86_400.0, gt=0, description="How long an ended stream can be read again.")
    idempotency_seconds: float = Field(86_400.0, gt=0, description="How long an Idempotency-Key is remembered.")
    upkeep_seconds: float = Field(60.0, gt=0, description="How often what has expired is dropped.")
    shutdown_seconds: float = Field(8.0, ge=0, description="What running responses get to finish at a shutdown.")

    titles: Literal["first_words", "model"] = Field(
        "first_words", description="What a conversation is called until somebody names it; a model costs a call each."
    )

    # What one user may have
    guest_turns: int = Field(2, ge=0, description="Answers that a guest gets before signing up.")
    user_running: int = Field(10, ge=1, description="Answers that may be made for one user at the same time.")
    turns_per_minute: int = Field(60, ge=1, description="Answers that one user may ask for in a minute.")
    tokens_per_minute: int = Field(1_000_000, ge=1, description="Tokens that one user's calls may come to in a minute.")

    @model_validator(mode="after")
    def refuse_secrets_that_cannot_be_rotated(self) -> Self:
        """The present secret becomes one of a list; in production each of that list must be as long as it is."""
        if "," in self.provider_key_secret.get_secret_value():
            raise ValueError("PROVIDER_KEY_SECRET must not contain a comma: it could not become a previous one")
        if self.deepthinks_env == "production" and any(map(is_weak, self.provider_key_secrets)):
            raise ValueError(
                "each of PROVIDER_KEY_SECRETS_PREVIOUS must be a secret of your own of at least"
                f" {MINIMUM_SECRET_LENGTH} characters when DEEPTHINKS_ENV=production"
            )
        return self

    @property
    def provider_key_secrets(self) -> list[str]:
        """The present secret, then the previous ones."""
        given = [self.provider_key_secret, self.provider_key_secrets_previous or SecretStr("")]
        named = ",".join(secret.get_secret_value() for secret in given).split(",")
        return list(dict.fromkeys(secret.strip() for secret in named if secret.strip()))
