"""Sums by owner, hour, model and conversation."""

from analytics_service.schemas import UsageRecorded
from chassis.database import Transaction

HOUR = 3600
"""Seconds."""
TURN = "turn"
"""The purpose of a call that answered a turn."""

INSERT = """
    insert into usage_hours as sums
      (owner, hour, model, conversation_id, calls, turns, input_tokens, cached_tokens, output_tokens,
       reasoning_tokens, estimated_calls)
"""
OR_ADD = """
    on conflict (owner, hour, model, conversation_id) do update set
      calls            = sums.calls + excluded.calls,
      turns            = sums.turns + excluded.turns,
      input_tokens     = sums.input_tokens + excluded.input_tokens,
      cached_tokens    = sums.cached_tokens + excluded.cached_tokens,
      output_tokens    = sums.output_tokens + excluded.output_tokens,
      reasoning_tokens = sums.reasoning_tokens + excluded.reasoning_tokens,
      estimated_calls  = sums.estimated_calls + excluded.estimated_calls
"""


class UsageHours:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, call: UsageRecorded) -> None:
        """Adds a call that was not here before."""
        self._tx.run(
            f"{INSERT}"
            " values"
            " (:owner, :hour, :model, :conversation_id, 1, :turns, :input_tokens, :cached_tokens, :output_tokens,"
            "  :reasoning_tokens, :estimated_calls)"
            f"{OR_ADD}",
            owner=call.owner,
            hour=int(call.created_at // HOUR),
            model=call.model,
            conversation_id=call.conversation_id or "",
            turns=int(call.purpose == TURN),
            input_tokens=call.input_tokens,
            cached_tokens=call.cached_tokens,
            output_tokens=call.output_tokens,
            reasoning_tokens=call.reasoning_tokens,
            estimated_calls=int(call.source == "estimated"),
        )

    def give(self, owner: str, into: str) -> None:
        """Adds the sums of `owner` to those of `into`."""
        self._tx.run(
            f"{INSERT}"  # noqa: S608 - made of constants
            " select :into, hour, model, conversation_id, calls, turns, input_tokens, cached_tokens, output_tokens,"
            "        reasoning_tokens, estimated_calls"
            "   from usage_hours"
            "  where owner = :owner"
            f"{OR_ADD}",
            owner=owner,
            into=into,
        )
        self._tx.run("delete from usage_hours where owner = :owner", owner=owner)
