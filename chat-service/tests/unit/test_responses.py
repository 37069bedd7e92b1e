"""Responses as clients see them."""

from dataclasses import replace
from typing import Any

import pytest

from chat_service.responses import describe
from chat_service.schemas.response_objects import ResponseObject

from .test_answer import TURN

USAGE = {"input_tokens": 9, "cached_tokens": 1, "output_tokens": 3, "reasoning_tokens": 2}
PROBLEM = {"status": 504, "code": "model_timeout", "message": "Silent.", "headers": {"retry-after": "1"}}


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"conversation_id": None, "stored": False},
        {"status": "completed", "usage": USAGE, "ended_at": 2.5, "receipt": {"memory": {"used": True}}},
        {"status": "incomplete", "incomplete_reason": "max_output_tokens", "usage": USAGE, "ended_at": 2.5},
        {"status": "failed", "error": PROBLEM, "usage": USAGE, "ended_at": 2.5},
        {"request": {"text": {"verbosity": "low"}, "reasoning": {"effort": "low"}, "metadata": {"a": "b"}}},
    ],
)
def test_a_response_is_described_with_every_field_it_has(how: dict[str, Any]) -> None:
    document = describe(replace(TURN, **how), [{"type": "message"}])

    assert document == ResponseObject.model_validate(document).model_dump(mode="json")
    assert document.keys() == ResponseObject.model_fields.keys()
