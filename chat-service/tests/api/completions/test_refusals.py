"""Requests that are refused: nothing reaches the provider, and the answer says which field it is about."""

from typing import Any

import pytest

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
HTTP_IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
DATA_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"store": True}, "store"),
        ({"audio": {"voice": "x", "format": "mp3"}, "modalities": ["text", "audio"]}, "audio"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools.0"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "tool_choice"),
        ({"messages": user(HTTP_IMAGE)}, "messages.0.content.0.image_url"),
        ({"messages": [{"role": "system", "content": [DATA_IMAGE]}]}, "messages.0.content.0"),
        ({"messages": user({"type": "file", "file": {"file_id": "file_1"}})}, "messages.0.content.0"),
        ({"messages": user({"type": "input_audio", "input_audio": {}})}, "messages.0.content.0"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}, "messages.0.function_call"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages.0"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(chat: Any, llm: Any, fields: dict[str, Any], param: str) -> None:
    body = {"model": "deepthinks", "messages": HELLO, **fields}

    answer = chat.http().post("/v1/chat/completions", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_parameter")
    assert answer.json()["error"]["param"] == param
    assert llm.requests() == []
    assert chat.recorded == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"surprise": 1}, 400, "unknown_parameter"),
        ({"messages": [{"role": "user", "content": "Hi", "surprise": 1}]}, 400, "unknown_parameter"),
        ({"messages": []}, 422, "invalid_request"),
        ({"messages": user()}, 422, "invalid_request"),
        ({"messages": user({"type": "surprise"})}, 422, "invalid_request"),
        ({"messages": [{"role": "assistant"}]}, 422, "invalid_request"),
        ({"messages": "Hello"}, 422, "invalid_request"),
        ({"messages": [{"role": "user", "content": None}]}, 422, "invalid_request"),
        ({"temperature": 2.1}, 422, "invalid_request"),
        ({"temperature": "hot"}, 422, "invalid_request"),
        ({"max_tokens": 0}, 422, "invalid_request"),
        ({"stop": ["a", "b", "c", "d", "e"]}, 422, "invalid_request"),
        ({"model": "gpt-5"}, 404, "model_not_found"),
        ({"model": ""}, 422, "invalid_request"),
        ({"model": None}, 422, "invalid_request"),
    ],
)
def test_what_is_not_valid_is_refused(chat: Any, llm: Any, fields: dict[str, Any], status: int, code: str) -> None:
    body = {"model": "deepthinks", "messages": HELLO, **fields}

    answer = chat.http().post("/v1/chat/completions", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert llm.requests() == []


def test_an_unknown_model_names_the_field_and_is_not_asked_for(chat: Any, llm: Any) -> None:
    answer = chat.http().post("/v1/chat/completions", json={"model": "gpt-5", "messages": HELLO})

    assert answer.json()["error"]["param"] == "model"
    assert llm.requests() == []


def test_half_a_character_is_refused(chat: Any) -> None:
    body = rb'{"model": "deepthinks", "messages": [{"role": "user", "content": "\ud800"}]}'

    answer = chat.http().post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "model_refused")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"[" * 20_000, b'{"model": NaN}'])
def test_a_body_that_is_no_object_is_refused(chat: Any, body: bytes) -> None:
    answer = chat.http().post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["code"] in ("invalid_json", "invalid_request")


def test_there_are_only_so_many_messages(start: Any) -> None:
    chat = start(completion_max_messages=3)

    answer = chat.http().post("/v1/chat/completions", json={"model": "deepthinks", "messages": HELLO * 4})

    assert (answer.status_code, answer.json()["code"]) == (400, "input_too_long")


def test_there_is_only_so_much_text(start: Any) -> None:
    chat = start(completion_max_characters=100)
    half = {"type": "text", "text": "x" * 60}

    answer = chat.http().post("/v1/chat/completions", json={"model": "deepthinks", "messages": user(half, half)})

    assert (answer.status_code, answer.json()["code"]) == (400, "input_too_long")


def test_a_credential_that_may_only_read_may_not_ask(chat: Any) -> None:
    http = chat.http(scope="chat:read")

    answer = http.post("/v1/chat/completions", json={"model": "deepthinks", "messages": HELLO})

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
