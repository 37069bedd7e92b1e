"""Everything that can differ between two deployments of chat; nothing else reads the environment."""

from typing import Annotated, Any

import orjson
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings, development_secret

SEED_MODELS = (
    "Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
    "Qwen/Qwen3-235B-A22B-Thinking-2507",
    "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8",
    "Qwen/Qwen2.5-VL-72B-Instruct",
)


class Settings(ServiceSettings):
    """The settings of chat-service."""

    auth_url: str = Field("http://127.0.0.1:8001", description="Where auth publishes its keys.")

    secret_auth_chat: SecretStr = Field(
        development_secret("auth-chat"), description="Signs what auth says of merged and erased accounts."
    )

    # The model
    together_api_key: SecretStr = Field(
        development_secret("together"), description="Key for Together; the offline stand-in takes any."
    )
    together_base_url: str = Field(
        "https://api.together.ai", description="Together, or anything that speaks like it; a trailing /v1 is dropped."
    )
    allowed_models: Annotated[tuple[str, ...], NoDecode] = Field(
        SEED_MODELS,
        description="Models offered besides the modes: a JSON list, or names parted by commas; `*` is whatever"
        " the provider lists.",
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
    completion_max_characters: int = Field(1_000_000, ge=1, description="Most text in those messages, all together.")

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
    memory_seconds: float = Field(0.3, gt=0, description="A turn goes on without memory after so long.")
    memory_tokens: int = Field(8_000, ge=0, description="Room for what memory adds to a turn.")
    history_tokens: int = Field(8_000, ge=0, description="Room for turns that memory does not know yet.")
    file_tokens: int = Field(32_000, ge=0, description="Room for the text of the files that a turn names.")
    file_wait_seconds: float = Field(60.0, gt=0, description="Longest wait for files that are still being read.")
    events_kept_seconds: float = Field(86_400.0, gt=0, description="How long an ended stream can be read again.")
    idempotency_seconds: float = Field(86_400.0, gt=0, description="How long an Idempotency-Key is remembered.")
    upkeep_seconds: float = Field(60.0, gt=0, description="How often what has expired is dropped.")
    shutdown_seconds: float = Field(8.0, ge=0, description="What running responses get to finish at a shutdown.")

    @field_validator("allowed_models", mode="before")
    @classmethod
    def read_list(cls, value: Any) -> Any:
        """A JSON list, or names parted by commas."""
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return orjson.loads(value)
        return [name.strip() for name in value.split(",") if name.strip()]
