"""The `ledger` table: one row for each call of the model."""

from collections.abc import Mapping
from typing import Any

from chassis.database import Transaction

COLUMNS = (
    "call_id, owner, purpose, conversation_id, response_id, key_id, mode, model, input_tokens, cached_tokens,"
    " output_tokens, reasoning_tokens, source, outcome, created_at, latency_ms, first_token_ms, own_key"
)
INSERT = (
    f"insert into ledger ({COLUMNS}) values ({', '.join(f':{name}' for name in COLUMNS.split(', '))})"  # noqa: S608
    " on conflict do nothing"
)


class LedgerRows:
    """Append-only; nothing of a row ever changes but who owes it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, call: Mapping[str, Any]) -> bool:
        """Writes a call down, given by column; False when it is in the ledger already."""
        return bool(self._tx.run(INSERT, **call))

    def give(self, owner: str, into: str) -> int:
        """Puts the calls of `owner` to the account of `into`; returns how many there were."""
        return self._tx.run("update ledger set owner = ? where owner = ?", into, owner)
