"""Takes in what chat's ledger reports: each call once, together with its rollup."""

from pydantic import ValidationError

from analytics_service.problems import InvalidEvent
from analytics_service.schemas import UsageRecorded
from analytics_service.stores.usage_events import UsageEvents
from analytics_service.stores.usage_hours import UsageHours
from chassis.database import Transaction
from chassis.events import Event
from chassis.owners import Owners


def record_usage(tx: Transaction, event: Event) -> None:
    """Handles `usage.recorded`. Raises `InvalidEvent`."""
    try:
        call = UsageRecorded.model_validate(event.data)
    except ValidationError as error:
        raise InvalidEvent() from error
    call = call.model_copy(update={"owner": Owners(tx).present(call.owner)})
    # The event's id keeps out a second delivery, the call's id a second report of the same ledger row.
    if UsageEvents(tx).add(call):
        UsageHours(tx).add(call)
