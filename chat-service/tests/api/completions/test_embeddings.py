"""Embeddings, as OpenAI's own client asks for them."""

import base64
import struct
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from chassis.testing import eventually
from dev.offline_llm import tokens
from dev.offline_llm.embedding import embed

MODEL = "BAAI/bge-base-en-v1.5"
PATH = "/v1/embeddings"


def post(chat: Any, **fields: Any) -> httpx.Response:
    with chat.http() as http:
        return http.post(PATH, json={"model": MODEL, "input": "My dog is called Rex.", **fields})


def test_the_sdk_gets_a_vector_for_each_text_in_their_order(chat: Any, llm: Any) -> None:
    answer = chat.sdk().embeddings.create(model=MODEL, input=["My dog is called Rex.", "Tea"])

    assert [(each.index, each.object) for each in answer.data] == [(0, "embedding"), (1, "embedding")]
    assert answer.data[1].embedding == pytest.approx(embed("Tea"), abs=1e-7)
    assert (answer.object, answer.model) == ("list", MODEL)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == llm_count("My dog is called Rex.", "Tea")
    assert llm.requests()[-1]["body"] == {"model": MODEL, "input": ["My dog is called Rex.", "Tea"]}


def test_floats_are_the_provider_s_own(chat: Any) -> None:
    document = post(chat).json()

    assert document["data"] == [{"object": "embedding", "index": 0, "embedding": embed("My dog is called Rex.")}]


def test_base64_is_little_endian_32_bit_floats(chat: Any) -> None:
    encoded = base64.b64decode(post(chat, encoding_format="base64").json()["data"][0]["embedding"])

    expected = embed("My dog is called Rex.")
    assert struct.unpack(f"<{len(expected)}f", encoded) == pytest.approx(expected, abs=1e-7)


def test_many_texts_go_to_the_provider_in_parts_and_come_back_as_one(chat: Any, llm: Any) -> None:
    texts = [f"Text number {number}" for number in range(300)]

    answer = chat.sdk().embeddings.create(model=MODEL, input=texts)

    assert [len(request["body"]["input"]) for request in llm.requests()] == [128, 128, 44]
    assert [each.index for each in answer.data] == list(range(300))
    assert answer.data[299].embedding == pytest.approx(embed(texts[299]), abs=1e-7)
    assert answer.usage.prompt_tokens == llm_count(*texts)
    assert [call.input_tokens for call in chat.recorded] == [llm_count(*texts)]


def test_it_is_billed(chat: Any) -> None:
    post(chat)

    [call] = chat.recorded
    assert (call.purpose, call.outcome, call.source) == ("embedding", "completed", "provider")
    assert (call.owner, call.model, call.mode) == ("user_1", MODEL, None)
    assert (call.input_tokens, call.output_tokens) == (llm_count("My dog is called Rex."), 0)


def test_it_is_billed_by_estimate_when_the_provider_does_not_tell(chat: Any, llm: Any) -> None:
    llm.misbehave({"match": {"path": PATH}, "fault": {"omit_usage": True}})

    usage = post(chat).json()["usage"]

    [call] = chat.recorded
    assert (call.source, call.input_tokens) == ("estimated", usage["prompt_tokens"])
    assert usage["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "deepthinks"}, 400, "model_unsuitable", "model"),
        ({"model": "Qwen/Qwen2.5-VL-72B-Instruct"}, 400, "model_unsuitable", "model"),
        ({"model": "text-embedding-3-small"}, 404, "model_not_found", "model"),
        ({"dimensions": 256}, 400, "unsupported_parameter", "dimensions"),
        ({"input": [1, 2, 3]}, 400, "unsupported_parameter", "input"),
        ({"input": [[1, 2], [3]]}, 400, "unsupported_parameter", "input"),
        ({"input": ""}, 422, "invalid_request", None),
        ({"input": []}, 422, "invalid_request", None),
        ({"input": ["a", ""]}, 422, "invalid_request", None),
        ({"input": ["a", 1]}, 422, "invalid_request", None),
        ({"input": ["a"] * 2_049}, 422, "invalid_request", None),
        ({"input": "a" * 1_000_001}, 400, "input_too_long", "input"),
        ({"input": ["a" * 1_000] * 1_001}, 400, "input_too_long", "input"),
        ({"encoding_format": "hex"}, 422, "invalid_request", None),
        ({"speed": 1}, 400, "unknown_parameter", "speed"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_provider_hears_of_it(
    chat: Any, llm: Any, fields: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    answer = post(chat, **fields)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert param is None or error["param"] == param
    assert (llm.requests(), chat.recorded) == ([], [])


@pytest.mark.parametrize(
    ("fault", "status", "code", "tries"),
    [
        ({"status": 401}, 502, "model_credentials_rejected", 1),
        ({"status": 402}, 502, "model_credentials_rejected", 1),
        ({"status": 400}, 400, "model_refused", 1),
        ({"status": 404}, 404, "model_not_found", 1),
        ({"status": 429, "retry_after": 0}, 429, "model_rate_limited", 3),
        ({"status": 503}, 503, "model_unavailable", 3),
        ({"cut_after_chunks": 0}, 503, "model_unavailable", 3),
        ({"garbage_after_chunks": 0}, 502, "model_answer_garbled", 1),
        ({"hang_before_headers": True}, 504, "model_timeout", 1),
        ({"hang_after_chunks": 0}, 504, "model_timeout", 1),
    ],
)
def test_what_the_provider_does_wrong_is_typed_and_tried_again_where_that_may_help(
    start: Any, llm: Any, fault: dict[str, Any], status: int, code: str, tries: int
) -> None:
    is_silent = "hang_before_headers" in fault or "hang_after_chunks" in fault
    chat = start(model_first_chunk_seconds=0.2) if is_silent else start()
    llm.misbehave({"match": {"path": PATH}, "fault": fault})

    answer = post(chat)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(llm.requests()) == tries
    assert [(call.outcome, call.input_tokens) for call in chat.recorded] == [("failed", 0)]


def test_a_part_that_was_made_is_billed_though_the_next_one_failed(chat: Any, llm: Any) -> None:
    llm.misbehave({"match": {"path": PATH, "text_contains": "number 128"}, "fault": {"status": 400}})

    answer = post(chat, input=[f"Text number {number}" for number in range(129)])

    made = llm_count(*(f"Text number {number}" for number in range(128)))
    assert answer.status_code == 400
    assert [(call.outcome, call.input_tokens) for call in chat.recorded] == [("failed", made)]


def test_a_client_that_leaves_stops_the_call_and_is_billed_for_it(chat: Any, llm: Any) -> None:
    llm.misbehave({"match": {"path": PATH}, "fault": {"hang_before_headers": True}})

    with chat.http() as http, pytest.raises(httpx.ReadTimeout):
        http.post(PATH, json={"model": MODEL, "input": "Tea"}, timeout=0.3)

    eventually(lambda: bool(chat.recorded) and not llm.open_streams())
    [call] = chat.recorded
    assert (call.outcome, call.source) == ("cancelled", "estimated")
    assert call.input_tokens > 0


def test_guests_get_no_embeddings(chat: Any, llm: Any) -> None:
    with chat.http(role="guest") as http:
        answer = http.post(PATH, json={"model": MODEL, "input": "Tea"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert llm.requests() == []


def test_a_model_that_only_the_provider_knows_is_asked_where_any_is_allowed(
    start: Any, llm: Any, tmp_path: Path
) -> None:
    path = tmp_path / "models.toml"
    path.write_text('allow = ["*"]\n[modes.deepthinks]\nmodel = "a/b"\n[models."a/b"]\n')
    chat = start(models_file=path)

    assert len(chat.sdk().embeddings.create(model=MODEL, input="Tea").data) == 1
    with pytest.raises(openai.NotFoundError):
        chat.sdk().embeddings.create(model="no/such-model", input="Tea")


def llm_count(*texts: str) -> int:
    """As the provider counts."""
    return sum(map(tokens.count, texts))
