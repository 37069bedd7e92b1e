"""JSON of the client's own making, such as schemas of its functions: passed on and stored as it is."""

from typing import Annotated, Any, TypeVar

import orjson
from pydantic import AfterValidator

AROUND_IT = 20
"""How deep it may be put into other documents; 254 is all that can be written."""

T = TypeVar("T")


def _writable(value: T) -> T:
    document: Any = value
    for _ in range(AROUND_IT):
        document = [document]
    try:
        orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise ValueError("is nested too deep, or holds a number or text that cannot be written as JSON") from None
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_writable)]
JsonText = Annotated[str, AfterValidator(_writable)]
"""Without halves of characters."""
