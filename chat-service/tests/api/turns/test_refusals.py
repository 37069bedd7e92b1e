"""Requests that cannot be honoured are refused clearly, and nothing of them is stored."""

from typing import Any

import pytest

from .conftest import Chat

USER = {"role": "user", "content": "Hello"}


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"input": None}, 400, "input_missing", "input"),
        ({"input": ""}, 422, "invalid_request", "input"),
        ({"input": []}, 422, "invalid_request", "input"),
        ({"model": "gpt-9"}, 404, "model_not_found", "model"),
        ({"modle": "x"}, 400, "unknown_parameter", "modle"),
        ({"input": [{**USER, "extra": 1}]}, 400, "unknown_parameter", "extra"),
        ({"temperature": 3}, 422, "invalid_request", "temperature"),
        ({"max_output_tokens": 0}, 422, "invalid_request", "max_output_tokens"),
        ({"max_output_tokens": 2**63}, 422, "invalid_request", "max_output_tokens"),
        ({"metadata": {"k": "v" * 513}}, 422, "invalid_request", "metadata"),
        ({"metadata": {str(number): "" for number in range(17)}}, 422, "invalid_request", "metadata"),
        ({"conversation": "conv_x", "previous_response_id": "resp_x"}, 400, "conflicting_parameters", None),
        ({"conversation": "conv_x"}, 404, "conversation_not_found", "conversation"),
        ({"conversation": {"id": "conv_x"}}, 404, "conversation_not_found", "conversation"),
        ({"previous_response_id": "resp_x"}, 404, "response_not_found", "previous_response_id"),
        ({"background": True, "store": False}, 400, "conflicting_parameters", "background"),
        ({"tools": [{"type": "web_search"}]}, 400, "unsupported_parameter", "tools"),
        ({"prompt": {"id": "pmpt_1"}}, 400, "unsupported_parameter", "prompt"),
        ({"tools": [{"type": {}}]}, 422, "invalid_request", "tools"),
        ({"tools": [{"type": "function", "name": "no spaces"}]}, 422, "invalid_request", "tools"),
        ({"reasoning": {"effort": "huge"}}, 422, "invalid_request", "reasoning"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, 422, "invalid_request", "text.format"),
        ({"replaces": "resp_x"}, 404, "response_not_found", "replaces"),
        ({"text": {"fromat": {"type": "text"}}}, 400, "unknown_parameter", "text.fromat"),
        ({"text": {"format": {"type": "text", "strict": True}}}, 400, "unknown_parameter", "strict"),
        ({"top_logprobs": 3}, 400, "unsupported_parameter", "top_logprobs"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}, USER]}, 404, "item_not_found", "input"),
        ({"input": [{"role": "system", "content": "Hello"}]}, 400, "input_missing", "input"),
        ({"input": [{"role": "assistant", "content": "Hello"}]}, 400, "input_missing", "input"),
        ({"input": [{"role": "tool", "content": "Hello"}]}, 422, "invalid_request", None),
        ({"input": [{**USER, "type": {}}]}, 422, "invalid_request", None),
        ({"input": "x" * 400_001}, 400, "input_too_long", "input"),
    ],
)
def test_a_request_is_refused(chat: Chat, fields: dict[str, Any], status: int, code: str, param: str | None) -> None:
    refused = chat.http().post("/responses", json={"model": "deepthinks", "input": "Hello", **fields})

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (status, code), problem
    assert param is None or param in problem["error"]["param"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert chat.http().get("/conversations").json()["data"] == []


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_audio", "input_audio": {"data": "", "format": "mp3"}},
    ],
)
def test_content_that_a_turn_cannot_take_is_refused(chat: Chat, part: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": [part]}]

    refused = chat.http().post("/responses", json={"model": "deepthinks", "input": messages})

    assert (refused.status_code, refused.json()["code"]) == (400, "unsupported_parameter")


def test_too_many_files_are_refused(chat: Chat) -> None:
    parts = [{"type": "input_file", "file_id": f"file_{number}"} for number in range(21)]

    refused = chat.http().post(
        "/responses", json={"model": "deepthinks", "input": [{"role": "user", "content": parts}]}
    )

    assert (refused.status_code, refused.json()["code"]) == (400, "input_too_long")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_request_is_refused(chat: Chat, body: bytes) -> None:
    refused = chat.http().post("/responses", content=body, headers={"content-type": "application/json"})

    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"


def test_fields_that_make_no_difference_are_taken(chat: Chat) -> None:
    response = chat.ask(
        "Hello",
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        include=["reasoning.encrypted_content"],
        truncation="auto",
        service_tier="auto",
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=False,
        text={"format": {"type": "text"}},
        stream_options=None,
    )

    assert response["status"] == "completed"


@pytest.mark.parametrize(
    ("claims", "status"),
    [({"scope": "chat:read"}, 403), ({"exp": 1}, 401), ({"role": "guest"}, 200)],
)
def test_the_credential_decides(chat: Chat, claims: dict[str, Any], status: int) -> None:
    answer = chat.http(**claims).post("/responses", json={"model": "deepthinks", "input": "Hello"})

    assert answer.status_code == status


@pytest.mark.parametrize(
    "asked", [r'"a\ud800b"', r'[{"role": "user", "content": [{"type": "input_text", "text": "\ud800"}]}]']
)
def test_lone_surrogates_and_nuls_do_no_harm(chat: Chat, asked: str) -> None:
    body = f'{{"model": "deepthinks", "input": {asked}}}'
    odd = chat.http().post("/responses", content=body, headers={"content-type": "application/json"})
    nul = chat.http().post("/responses", json={"model": "deepthinks", "input": "a\0b"})

    assert odd.status_code == 422
    assert nul.status_code == 200
