"""How ids, times and numbers are spelled."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

END_OF_TIME = 100_000_000_000


def _a_number(value: object) -> object:
    """JSON's `"5"` and `true` are no numbers, whatever Python makes of them."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


def _in_seconds(value: object) -> object:
    """A time in ISO 8601 as seconds since the epoch, UTC where it names no zone; what is none is left as it is."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        return float(value)
    try:
        named = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be seconds since the epoch, or a date or a time in ISO 8601") from None
    moment = named if named.tzinfo else named.replace(tzinfo=UTC)
    return min(max(moment.timestamp(), 0.0), END_OF_TIME)


Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Moment = Annotated[float, Field(ge=0, le=END_OF_TIME, description="Seconds since the epoch.")]
Number = Annotated[int, BeforeValidator(_a_number)]
PointInTime = Annotated[
    float,
    Field(ge=0, le=END_OF_TIME, allow_inf_nan=False),
    BeforeValidator(_in_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": END_OF_TIME},
                {"type": "string", "format": "date-time"},
                {"type": "string", "format": "date"},
            ]
        }
    ),
]
"""As people write it in an address: seconds since the epoch, or ISO 8601."""
