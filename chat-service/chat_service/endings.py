"""How a turn ends: once, in one transaction, whether it was answered, cut short, stopped, failed or lost in a crash."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.outbox import Outbox
from chassis.owners import Owners
from chassis.problems import Problem
from chassis.tokens import estimate_tokens
from chat_service.answer import Answer
from chat_service.clients.model import ModelUsage
from chat_service.event_log import Final
from chat_service.inputs import assistant_text, file_ids, user_text
from chat_service.ledger import Ledger
from chat_service.ledger_records import CallRecord
from chat_service.problems import RecordedProblem
from chat_service.responses import describe
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents

Outcome = Literal["completed", "incomplete", "cancelled", "failed"]
KEPT_HEADERS = ("retry-after",)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How it ended and what the call of the model was. Without `usage` the tokens are estimated."""

    outcome: Outcome
    reason: str | None = None
    problem: Problem | None = None
    usage: ModelUsage | None = None
    receipt: dict[str, Any] | None = None
    first_token_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """All that the last transaction of a turn writes."""

    final: Final
    call: CallRecord
    output: list[Item]


class Endings:
    """Settles turns. Settling one twice, or one that was erased meanwhile, changes nothing but the ledger."""

    def __init__(self, ledger: Ledger, outbox: Outbox, clock: Clock) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock

    def prepare(self, turn: StoredResponse, answer: Answer, ending: Ending) -> Settlement:
        """Closes the answer and gives it its last event."""
        answer.close("completed" if ending.outcome == "completed" else "incomplete")
        usage = ending.usage or _estimate(answer, ending)
        ended = replace(
            turn,
            status=ending.outcome,
            incomplete_reason=ending.reason,
            error=_error(ending.problem) if ending.problem else None,
            usage={
                "input_tokens": usage.input_tokens,
                "cached_tokens": usage.cached_tokens,
                "output_tokens": usage.output_tokens,
                "reasoning_tokens": usage.reasoning_tokens,
            },
            receipt=ending.receipt,
            ended_at=self._clock(),
        )
        final = Final(ended, describe(ended, answer.output))
        answer.end(final.seen)
        return Settlement(final=final, call=_call(ended, usage, ending), output=answer.output)

    def settle(self, tx: Transaction, settlement: Settlement, first: int, events: list[bytes]) -> None:
        """Writes it all down; `events` are the last of the log, numbered from `first`."""
        turn = settlement.final.stored
        self._ledger.write(tx, settlement.call)
        if not Responses(tx).end(turn):
            return
        if not turn.stored:
            Responses(tx).erase(turn.id)
            return
        StreamEvents(tx).append(turn.id, first, events)
        Items(tx).add(turn.id, "output", settlement.output)
        self._tell_memory(tx, settlement)

    def _tell_memory(self, tx: Transaction, settlement: Settlement) -> None:
        turn = settlement.final.stored
        assert turn.conversation_id is not None  # every stored turn has one
        asked = Items(tx).of(turn.id, "input")
        data = {
            "owner": Owners(tx).present(turn.owner),
            "conversation_id": turn.conversation_id,
            "turn_id": turn.id,
            "parent_id": turn.parent_id,
            "depth": turn.depth,
            "status": turn.status,
            "user_text": user_text(asked),
            "assistant_text": assistant_text(settlement.output),
            "file_ids": file_ids(asked),
            "model": turn.model_id,
            "created_at": turn.created_at,
            "ended_at": turn.ended_at,
        }
        self._outbox.put(tx, to="memory", kind="turn.ended", key=turn.conversation_id, data=data)


def recorded_problem(response: StoredResponse) -> RecordedProblem:
    """What a failed response failed with."""
    assert response.error is not None
    error = dict(response.error)
    if response.conversation_id:
        error["headers"] = {**error["headers"], "x-conversation-id": response.conversation_id}
    return RecordedProblem(**error)


def _error(problem: Problem) -> dict[str, Any]:
    headers = {name: value for name, value in problem.headers.items() if name in KEPT_HEADERS}
    return {"status": problem.status, "code": problem.code, "message": problem.message, "headers": headers}


def _estimate(answer: Answer, ending: Ending) -> ModelUsage:
    """What a call cost of which the provider did not tell; one that failed before it said anything cost nothing."""
    if not answer.text and (ending.problem or not ending.receipt):
        return ModelUsage(0, 0)
    prompt = ending.receipt["tokens"] if ending.receipt else 0
    return ModelUsage(prompt, estimate_tokens(answer.text), reasoning_tokens=estimate_tokens(answer.thoughts))


def _call(turn: StoredResponse, usage: ModelUsage, ending: Ending) -> CallRecord:
    assert turn.ended_at is not None
    return CallRecord(
        call_id=turn.id,
        owner=turn.owner,
        purpose="turn",
        conversation_id=turn.conversation_id,
        response_id=turn.id,
        key_id=turn.key_id,
        mode=turn.mode,
        model=turn.model_id,
        outcome=ending.outcome,
        source="provider" if ending.usage else "estimated",
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        created_at=int(turn.created_at),
        latency_ms=max(0, round((turn.ended_at - turn.created_at) * 1000)),  # clocks step back
        first_token_ms=ending.first_token_ms,
    )
