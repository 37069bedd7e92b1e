"""What the provider's refusals mean here. Its texts are read for that, and never passed on."""

import math
import re
from collections.abc import Mapping
from typing import Any

from chassis.problems import Problem
from chat_service.problems import (
    ContextLengthExceeded,
    ModelAnswerGarbled,
    ModelCredentialsRejected,
    ModelNotFound,
    ModelRateLimited,
    ModelRefused,
    ModelUnavailable,
)

LONGEST_RETRY_AFTER_SECONDS = 3_600
REFUSED = frozenset({400, 405, 409, 413, 415, 422})
_TOO_LONG = re.compile(r"context[ _]length|maximum context|max_new_tokens|tokens must be <=", re.IGNORECASE)


def problem_of_status(status: int, headers: Mapping[str, str], body: Any) -> Problem:
    """The problem behind an answer that is no 2xx."""
    error = _error_of(body)
    if status in {400, 403, 413, 422} and _says_too_long(error):  # Together answers 403 to a prompt that is too long
        return ContextLengthExceeded()
    if status in {401, 402, 403}:
        return ModelCredentialsRejected()
    if status == 404:
        return ModelNotFound()
    if status == 429:
        seconds = retry_after(headers)
        return ModelRateLimited(1 if seconds is None else seconds)
    if status in REFUSED:
        return ModelRefused()
    if status == 408 or status >= 500:
        seconds = retry_after(headers)
        return ModelUnavailable(headers={"retry-after": str(seconds)} if seconds else None)
    return ModelAnswerGarbled()


def problem_of_event(error: Any) -> Problem:
    """The problem behind an `error` in the middle of a stream, where there is no status."""
    error = error if isinstance(error, dict) else {}
    if _says_too_long(error):
        return ContextLengthExceeded()
    if "rate_limit" in f"{error.get('code')} {error.get('type')}":
        return ModelRateLimited()
    return ModelUnavailable()


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Whole seconds the provider asks us to wait; None when it does not, or in a form that is not a number."""
    try:
        seconds = math.ceil(float(headers.get("retry-after", "")))
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0), LONGEST_RETRY_AFTER_SECONDS)


def _error_of(body: Any) -> dict[str, Any]:
    """The error object of the provider's document; the SDK may have unwrapped it already."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {"message": str(inner or body)}


def _says_too_long(error: dict[str, Any]) -> bool:
    return bool(_TOO_LONG.search(f"{error.get('code')} {error.get('message')}"))
