"""Schemas of the client's own making: what cannot be written again is refused, and breaks nothing."""

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat

JSON = {"content-type": "application/json"}
TURN_TOOL = '{"input": "Hello.", "tools": [{"type": "function", "name": "f", "parameters": {"a": %s}}]}'
TURN_SHAPE = '{"input": "Hello.", "text": {"format": {"type": "json_schema", "name": "f", "schema": {"a": %s}}}}'
COMPLETION_TOOL = (
    '{"model": "deepthinks", "messages": [{"role": "user", "content": "Hello."}],'
    ' "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": %s}}}]}'
)
REQUESTS = [("/responses", TURN_TOOL), ("/responses", TURN_SHAPE), ("/chat/completions", COMPLETION_TOOL)]


@pytest.mark.parametrize("value", ['"\\ud800"', "123456789012345678901234567890", '{"a":' * 300 + "1" + "}" * 300])
@pytest.mark.parametrize(("path", "request_with"), REQUESTS)
def test_what_cannot_be_written_again_is_refused(
    chat: Chat, llm: OfflineLLM, path: str, request_with: str, value: str
) -> None:
    answer = chat.http().post(path, content=request_with % value, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert not llm.requests()


@pytest.mark.parametrize(("path", "request_with"), REQUESTS)
def test_a_deep_schema_is_taken(chat: Chat, path: str, request_with: str) -> None:
    answer = chat.http().post(path, content=request_with % ('{"a":' * 100 + "1" + "}" * 100), headers=JSON)

    assert answer.status_code == 200
