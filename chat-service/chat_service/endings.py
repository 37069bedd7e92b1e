"""How a turn ends: once, in one transaction, whether it was answered, cut short, stopped, failed or lost in a crash."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.problems import Problem
from chassis.tokens import estimate_tokens
from chat_service.answer import Answer
from chat_service.calibrating import Calibrating
from chat_service.clients.model import ModelUsage
from chat_service.event_log import Final
from chat_service.inputs import assistant_text, user_text
from chat_service.ledger import Ledger
from chat_service.ledger_records import CallRecord, Outcome
from chat_service.memory_events import MemoryEvents
from chat_service.problems import RecordedProblem
from chat_service.responses import describe
from chat_service.stores.idempotency_keys import IdempotencyKeys
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents
from chat_service.titling import Titling

KEPT_HEADERS = ("retry-after", "x-should-retry")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How it ended and what the call of the model was. Without `usage` the tokens are estimated."""

    outcome: Outcome
    reason: str | None = None
    problem: Problem | None = None
    usage: ModelUsage | None = None
    is_estimated: bool = False
    repair: ModelUsage | None = None
    receipt: dict[str, Any] | None = None
    first_token_ms: int | None = None
    own_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """All that the last transaction of a turn writes."""

    final: Final
    calls: list[CallRecord]  # the turn's own first
    output: list[Item]


class Endings:
    """Settles turns. Settling one twice, or one that was erased meanwhile, changes nothing but the ledger.

    `titling` makes titles of first turns; without it they keep their first words.
    """

    def __init__(
        self,
        ledger: Ledger,
        memory_events: MemoryEvents,
        calibrating: Calibrating,
        clock: Clock,
        titling: Titling | None = None,
    ) -> None:
        self._ledger = ledger
        self._memory_events = memory_events
        self._calibrating = calibrating
        self._clock = clock
        self._titling = titling

    def prepare(self, turn: StoredResponse, answer: Answer, ending: Ending) -> Settlement:
        """Closes the answer and gives it its last event."""
        answer.close("completed" if ending.outcome == "completed" else "incomplete")
        usage = ending.usage or _estimate(answer, ending)
        whole = usage.plus(ending.repair) if ending.repair else usage
        ended = replace(
            turn,
            status=ending.outcome,
            incomplete_reason=ending.reason,
            error=_error(ending.problem) if ending.problem else None,
            usage=asdict(whole),
            receipt=ending.receipt,
            ended_at=self._clock(),
        )
        final = Final(ended, describe(ended, answer.output))
        answer.end(final.seen)
        return Settlement(final=final, calls=_calls(ended, usage, ending), output=answer.output)

    def settle(self, tx: Transaction, settlement: Settlement, first: int, events: list[bytes]) -> None:
        """Writes it all down; `events` are the last of the log, numbered from `first`."""
        turn = settlement.final.stored
        for call in settlement.calls:
            self._ledger.write(tx, call)
        if not Responses(tx).end(turn):
            return
        self._calibrating.learn(tx, turn, settlement.calls[0])
        if not turn.stored:
            Responses(tx).erase(turn.id)
            if turn.status in ("failed", "cancelled") or turn.incomplete_reason == "interrupted":
                IdempotencyKeys(tx).free(turn.id)
            return
        StreamEvents(tx).append(turn.id, first, events)
        Items(tx).add(turn.id, "output", settlement.output)
        asked = Items(tx).of(turn.id, "input")
        self._memory_events.turn_ended(tx, turn, asked, settlement.output)
        if self._titling and turn.depth == 1 and turn.status == "completed":
            texts = user_text(asked), assistant_text(settlement.output)
            tx.after_commit(partial(self._titling.begin, turn, *texts))


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


def _calls(turn: StoredResponse, usage: ModelUsage, ending: Ending) -> list[CallRecord]:
    """The turn's own call, and the one that had it mended."""
    call = _call(turn, usage, ending)
    if ending.repair is None:
        return [call]
    repair = replace(
        call,
        call_id=f"{turn.id}_repair",
        purpose="repair",
        **asdict(ending.repair),
    )
    return [call, repair]


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
        source="provider" if ending.usage and not ending.is_estimated else "estimated",
        **asdict(usage),
        created_at=int(turn.created_at),
        latency_ms=max(0, round((turn.ended_at - turn.created_at) * 1000)),  # clocks step back
        first_token_ms=ending.first_token_ms,
        own_key=ending.own_key,
    )
