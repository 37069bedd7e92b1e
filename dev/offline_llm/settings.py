"""Everything that can differ between two offline model servers; set by OFFLINE_LLM_* or by --options."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Command line first, then the environment, then these defaults."""

    model_config = SettingsConfigDict(
        env_prefix="OFFLINE_LLM_", cli_prog_name="offline_llm", cli_kebab_case=True, cli_avoid_json=True
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8900, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    tokens_per_second: float = Field(
        50, ge=0, description="pace of every answer, streamed or not; 0 is as fast as possible"
    )
    finish_reason: str = Field("stop", pattern="^(stop|eos)$", description="how a normal end is reported")
    inline_think: bool = Field(
        False, description="reasoning models put <think> into the content instead of delta.reasoning"
    )
    recorded_requests: int = Field(1000, ge=1, description="how many requests are kept for GET /_offline/requests")
    recorded_bytes: int = Field(64_000_000, ge=1, description="how many bytes of bodies are kept at most")
