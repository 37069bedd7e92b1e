"""What travels between services behind a turn: events in batches, and the consumer's answer for each."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EVENTS_PATH = "/internal/events"
EVENTS_PER_DELIVERY = 100


class Event(BaseModel):
    """Something that happened. Consumers ignore fields of `data` they do not know."""

    model_config = ConfigDict(strict=True)

    id: str = Field(min_length=1, max_length=64)
    kind: str = Field(max_length=64, examples=["turn.ended"])
    key: str = Field(max_length=128, description="Events of one key are delivered in order.")
    created_at: float
    data: dict[str, Any]


class Delivery(BaseModel):
    """Body of `POST /internal/events`."""

    model_config = ConfigDict(extra="forbid")

    events: list[Event] = Field(min_length=1, max_length=EVENTS_PER_DELIVERY)


class Outcome(BaseModel):
    """`applied` and `duplicate` are done with; `refused` is tried again; `held` waits for a refused one of its key."""

    id: str
    outcome: Literal["applied", "duplicate", "refused", "held"]
    code: str | None = None


class Receipt(BaseModel):
    """Answer to a delivery, in the order of its events."""

    outcomes: list[Outcome]
