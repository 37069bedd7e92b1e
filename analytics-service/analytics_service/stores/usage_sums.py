"""Sums over any period: whole hours from the rollup, what sticks out at both ends from the calls themselves."""

from analytics_service.stores.usage_hours import HOUR
from chassis.database import Row, Transaction

CALLS = """
    select model, coalesce(conversation_id, '') as conversation_id, 1 as calls, (purpose = 'turn') as turns,
           input_tokens, cached_tokens, output_tokens, reasoning_tokens, (source = 'estimated') as estimated_calls
      from usage_events
     where owner = :owner
"""

USED = f"""
    with used as (
        select model, conversation_id, calls, turns, input_tokens, cached_tokens, output_tokens, reasoning_tokens,
               estimated_calls
          from usage_hours
         where owner = :owner and hour >= :first_hour and hour < :end_hour
         union all {CALLS} and created_at >= :start and created_at < :head_end
         union all {CALLS} and created_at >= :tail_start and created_at < :end
    )
"""  # noqa: S608 - made of constants

SUMS = """
    coalesce(sum(calls), 0) as calls,
    coalesce(sum(turns), 0) as turns,
    coalesce(sum(input_tokens), 0) as input_tokens,
    coalesce(sum(cached_tokens), 0) as cached_tokens,
    coalesce(sum(output_tokens), 0) as output_tokens,
    coalesce(sum(reasoning_tokens), 0) as reasoning_tokens,
    coalesce(sum(input_tokens + output_tokens), 0) as total_tokens,
    coalesce(sum(estimated_calls), 0) as estimated_calls
"""


class UsageSums:
    """What one owner used from `start` up to, not including, `end` (unix seconds)."""

    def __init__(self, tx: Transaction, owner: str, start: int, end: int) -> None:
        self._tx = tx
        first_hour, end_hour = -(-start // HOUR), end // HOUR
        head_end = min(first_hour * HOUR, end)
        self._bounds = {
            "owner": owner,
            "start": start,
            "head_end": head_end,
            "first_hour": first_hour,
            "end_hour": end_hour,
            "tail_start": max(end_hour * HOUR, head_end),
            "end": end,
        }

    def total(self) -> Row:
        """Zeros when nothing was used."""
        row = self._tx.one(f"{USED} select {SUMS} from used", **self._bounds)  # noqa: S608
        assert row is not None
        return row

    def by_model(self) -> list[Row]:
        """Most tokens first."""
        return self._tx.all(
            f"{USED} select model, {SUMS} from used group by model order by total_tokens desc, model",  # noqa: S608
            **self._bounds,
        )

    def by_conversation(self, limit: int) -> list[Row]:
        """Most tokens first; `conversation_id` is None for calls outside of any."""
        return self._tx.all(
            f"{USED} select nullif(conversation_id, '') as conversation_id, {SUMS} from used"  # noqa: S608
            " group by used.conversation_id order by total_tokens desc, used.conversation_id limit :limit",
            **self._bounds,
            limit=limit,
        )
