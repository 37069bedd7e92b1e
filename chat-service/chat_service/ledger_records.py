"""What one call of the model cost: a row of the ledger, and the data of `usage.recorded`."""

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["turn", "completion", "embedding", "repair", "title"]
Source = Literal["provider", "estimated"]
Outcome = Literal["completed", "incomplete", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """Written once, when the call has ended, however it ended. `created_at` is when it began, in unix seconds."""

    call_id: str
    owner: str
    purpose: Purpose
    model: str
    outcome: Outcome
    source: Source
    input_tokens: int
    output_tokens: int
    created_at: int
    latency_ms: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    conversation_id: str | None = None
    response_id: str | None = None
    key_id: str | None = None
    mode: str | None = None
    first_token_ms: int | None = None
    own_key: bool = False

    @property
    def came_to_nothing(self) -> bool:
        """Whether an answer that a user asked for failed, or was lost in a crash, before there was a word of it."""
        asked_for = self.purpose in ("turn", "completion")
        is_silent = self.first_token_ms is None and not self.output_tokens
        return asked_for and is_silent and self.outcome in ("failed", "incomplete")
