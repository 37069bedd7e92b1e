"""Everything that can differ between two deployments of memory; nothing else reads the environment."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import DEVELOPMENT_ONLY, ServiceSettings, development_secret

TOGETHER = "https://api.together.ai"


class Settings(ServiceSettings):
    """Defaults work on a laptop, with dev/offline_llm as the model or with none."""

    max_body_bytes: int = Field(32_000_000, ge=1_000, description="Largest request body: a batch of 100 turns.")
    auth_url: str = Field("http://127.0.0.1:8001", description="Where auth publishes its keys.")
    secret_chat_memory: SecretStr = Field(
        development_secret("chat-memory"), description="Shared by chat and memory: signs their calls to each other."
    )
    secret_auth_memory: SecretStr = Field(
        development_secret("auth-memory"), description="Shared by auth and memory: signs auth's calls to memory."
    )

    together_api_key: SecretStr = Field(
        development_secret("offline-model"), description="Key for the summariser; without one, folding waits."
    )
    together_base_url: str = Field(TOGETHER, description="Where the model is, without /v1.")
    summarizer_model: str = Field(
        "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", description="Model that folds turns into long-term memory."
    )
    summarizer_temperature: float = Field(0.2, ge=0, le=2, description="Temperature of the summariser.")
    summarizer_max_tokens: int = Field(2048, ge=64, description="Longest reply of the summariser, in tokens.")
    summarizer_timeout_seconds: float = Field(60, gt=0, description="A call to the summariser ends after this long.")

    short_term_memory_k: int | None = Field(
        None, ge=1, le=1000, description="Exchanges kept verbatim; without it, k follows the tokens of the turns."
    )
    fold_high_tokens: int = Field(3000, ge=1, description="Short-term memory is folded when it has more tokens.")
    fold_low_tokens: int = Field(1500, ge=0, description="Folding stops when short-term memory has no more tokens.")
    fold_source_tokens: int = Field(4000, ge=100, description="Most tokens of turns that one fold reads.")
    fold_workers: int = Field(4, ge=1, le=64, description="Folds that run at the same time.")
    fold_lease_seconds: float = Field(90, gt=0, description="A fold whose worker died is taken up again after this.")
    fold_first_retry_seconds: float = Field(2, gt=0, description="Pause after a fold's first failure; then doubled.")
    fold_longest_retry_seconds: float = Field(600, gt=0, description="Longest pause between two tries of a fold.")

    @model_validator(mode="after")
    def refuse_contradictions(self) -> Self:
        """A lease must outlive the call it covers, and the low mark must be below the high one."""
        if self.fold_lease_seconds <= self.summarizer_timeout_seconds:
            raise ValueError("FOLD_LEASE_SECONDS must be more than SUMMARIZER_TIMEOUT_SECONDS")
        if self.fold_low_tokens >= self.fold_high_tokens:
            raise ValueError("FOLD_LOW_TOKENS must be less than FOLD_HIGH_TOKENS")
        return self

    @property
    def has_summarizer(self) -> bool:
        """Whether there is a model to fold with: Together needs a key of its own, a stand-in does not."""
        default_key = self.together_api_key.get_secret_value().startswith(DEVELOPMENT_ONLY)
        return not (default_key and self.together_base_url.startswith(TOGETHER))
