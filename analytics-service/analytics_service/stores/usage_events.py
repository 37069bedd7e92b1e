"""The calls themselves."""

from analytics_service.schemas import UsageRecorded
from chassis.database import Transaction


class UsageEvents:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, call: UsageRecorded) -> bool:
        """Keeps the call; False when it is already here."""
        added = self._tx.run(
            "insert into usage_events"
            " (call_id, owner, purpose, conversation_id, response_id, key_id, mode, model, input_tokens, cached_tokens,"
            "  output_tokens, reasoning_tokens, source, outcome, created_at, latency_ms, first_token_ms)"
            " values"
            " (:call_id, :owner, :purpose, :conversation_id, :response_id, :key_id, :mode, :model, :input_tokens,"
            "  :cached_tokens, :output_tokens, :reasoning_tokens, :source, :outcome, :created_at, :latency_ms,"
            "  :first_token_ms)"
            " on conflict (call_id) do nothing",
            **call.model_dump(),
        )
        return added == 1

    def give(self, owner: str, into: str) -> int:
        """Makes the calls of `owner` those of `into`; returns how many there were."""
        return self._tx.run(
            "update usage_events set owner = :into where owner = :owner",
            owner=owner,
            into=into,
        )
