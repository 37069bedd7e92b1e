"""Bad input and broken parts, through the gateway: a clear problem each, nothing half-stored, never a 500."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import openai
import pytest
from dotenv import dotenv_values

from auth_service.signing_keys import SigningKeys
from chassis.testing import eventually
from dev.stack import Stack

from .people import Person


@contextmanager
def down(stack: Stack, name: str) -> Iterator[None]:
    """A service is gone, as after a crash, and comes back."""
    stack.processes[name].kill()
    try:
        yield
    finally:
        stack.processes[name].start()
        stack.processes[name].wait_until_ready()


def turns(person: Person, conversation: str) -> list[Any]:
    return person.sdk.conversations.items.list(conversation, order="asc", limit=100).data


def fault(offline: httpx.Client, **fault: Any) -> None:
    rule = {"match": {"path": "/v1/chat/completions"}, "times": None, "fault": fault}
    offline.post("/_offline/faults", json=[rule]).raise_for_status()


BODIES = [
    (b"", 422, None),
    (b"{", 400, "invalid_json"),
    (b"[]", 422, "invalid_request"),
    (b'"text"', 422, "invalid_request"),
    (b'{"model": "deepthinks"}', 422, "invalid_request"),
    (b'{"model": 7, "input": "hi"}', 422, "invalid_request"),
    (b'{"model": "deepthinks", "input": "hi", "temperature": "hot"}', 422, "invalid_request"),
    (b'{"model": "deepthinks", "input": "hi", "shoe_size": 43}', 400, "unknown_parameter"),
    (b'{"model": "no-such/model", "input": "hi"}', 404, "model_not_found"),
    (b'{"model": "deepthinks", "input": "hi", "previous_response_id": "resp_' + b"0" * 32 + b'"}', 404, None),
    (b'{"model": "deepthinks", "input": "hi", "conversation": "conv_' + b"0" * 32 + b'"}', 404, None),
    (b'{"model": "deepthinks", "input": "hi\\ud800"}', None, None),
    (b'{"model": "deepthinks", "input": ' + b"[" * 50_000, 400, None),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES, ids=range(len(BODIES)))
def test_a_bad_turn_is_a_clear_problem(somebody: Person, body: bytes, status: int | None, code: str | None) -> None:
    answer = somebody.http.post("/v1/responses", content=body, headers={"content-type": "application/json"})

    assert 400 <= answer.status_code < 500 if status is None else answer.status_code == status
    document = answer.json()
    assert document["error"]["message"]
    assert code is None or document["code"] == code
    assert somebody.http.get("/v1/conversations").json()["data"] == []


def test_an_oversize_body_is_refused_at_the_door(somebody: Person) -> None:
    answer = somebody.http.post("/v1/responses", json={"model": "deepthinks", "input": "x" * 3_000_000})

    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "invalid_request_error")


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_without_a_valid_token_nothing_is_answered(gateway: httpx.Client, token: str) -> None:
    for path in ("/v1/auth/me", "/v1/conversations", "/v1/files", "/v1/usage", "/v1/models", "/v1/memory/search?q=x"):
        answer = gateway.get(path, headers={"authorization": f"Bearer {token}"} if token else {})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def signed_anew(stack: Stack, person: Person, **claims: Any) -> str:
    """The person's access token with other claims, signed as auth itself signs."""
    keys = SigningKeys([dotenv_values(stack.folder / "secrets.env")["JWT_SECRET_KEY"] or ""])
    token = person.tokens["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False}) | claims
    return jwt.encode(claims, keys.key, algorithm="EdDSA", headers=jwt.get_unverified_header(token))


def test_an_expired_token_is_told_so_to_the_sdk(stack: Stack, somebody: Person) -> None:
    now = int(time.time())
    good, expired = (signed_anew(stack, somebody, iat=now - 600, exp=now + left) for left in (60, -1))

    def models(token: str) -> list[Any]:
        return openai.OpenAI(base_url=f"{stack.url}/v1", api_key=token, max_retries=0).models.list().data

    with pytest.raises(openai.AuthenticationError) as refused:
        models(expired)

    assert refused.value.code == "invalid_token"
    assert models(good)


def test_a_corrupt_pdf_fails_clearly_and_is_refused_before_anything_is_stored(
    somebody: Person, tmp_path: Path, documents: Path
) -> None:
    corrupt = tmp_path / "corrupt.pdf"
    corrupt.write_bytes((documents / "expedition.pdf").read_bytes()[:200])
    conversation = somebody.sdk.conversations.create().id
    file = somebody.upload(corrupt)
    eventually(lambda: somebody.sdk.files.retrieve(file).status == "error")

    with pytest.raises(openai.APIStatusError) as refused:
        somebody.say(conversation, "What does it say?", file)

    assert (refused.value.status_code, refused.value.code) == (422, "file_failed")
    assert turns(somebody, conversation) == []


def test_an_executable_is_refused_by_what_it_is_not_by_its_name(somebody: Person, tmp_path: Path) -> None:
    disguised = tmp_path / "report.pdf"
    disguised.write_bytes(b"\x7fELF" + bytes(range(256)) * 10)

    with pytest.raises(openai.APIStatusError) as refused:
        somebody.upload(disguised)

    assert (refused.value.status_code, refused.value.code) == (415, "unsupported_file_type")
    assert somebody.sdk.files.list().data == []


def test_memory_down_is_answered_without_recall_and_says_so(stack: Stack, somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create().id
    somebody.say(conversation, "My boat is called Marguerite.")
    with down(stack, "memory"):
        response = somebody.sdk.responses.create(
            model="deepthinks", conversation=conversation, input="What is my boat called?"
        )

    assert "Marguerite" in response.output_text
    assert response.to_dict()["memory"]["used"] is False
    eventually(lambda: somebody.memory(conversation).get("statistics", {}).get("turns") == 2)


def test_analytics_down_is_noticed_by_nobody_and_nothing_is_lost(stack: Stack, somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create().id
    with down(stack, "analytics"):
        answer = somebody.say(conversation, "I collect barometers.")

    assert answer
    eventually(lambda: somebody.usage()["total"]["calls"] == 1)


def test_files_down_refuses_a_turn_with_a_file_and_lets_others_go_on(
    stack: Stack, somebody: Person, documents: Path
) -> None:
    conversation = somebody.sdk.conversations.create().id
    file = somebody.upload(documents / "contract.docx")
    with down(stack, "files"):
        with pytest.raises(openai.InternalServerError) as refused:
            somebody.say(conversation, "Who is the guarantor?", file)
        stored = turns(somebody, conversation)
        answer = somebody.say(conversation, "Never mind, good morning.")

    assert refused.value.status_code == 503
    assert stored == []
    assert answer


def test_auth_down_lets_nobody_through_and_is_a_503(stack: Stack, somebody: Person) -> None:
    with down(stack, "auth"):
        time.sleep(0.1)
        answer = somebody.http.get("/v1/conversations", headers={"authorization": "Bearer unseen"})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize(
    ("broken", "status", "code"),
    [
        ({"status": 500}, 503, "model_unavailable"),
        ({"status": 429}, 429, "model_rate_limited"),
        ({"status": 401}, 502, "model_credentials_rejected"),
    ],
)
def test_a_model_that_refuses_is_a_typed_problem_and_the_turn_says_failed(
    somebody: Person, offline: httpx.Client, broken: dict[str, Any], status: int, code: str
) -> None:
    conversation = somebody.sdk.conversations.create().id
    fault(offline, **broken)

    with pytest.raises(openai.APIStatusError) as refused:
        somebody.sdk.responses.create(model="deepthinks", conversation=conversation, input="Good evening.")
    offline.delete("/_offline/faults")

    assert (refused.value.status_code, refused.value.code) == (status, code)
    assert somebody.say(conversation, "And again, good evening.")


def test_a_model_that_breaks_off_ends_the_stream_with_an_error_event(somebody: Person, offline: httpx.Client) -> None:
    conversation = somebody.sdk.conversations.create().id
    fault(offline, cut_after_chunks=3)

    events = list(
        somebody.sdk.responses.create(
            model="deepthinks", conversation=conversation, input="Tell me about the sea.", stream=True
        )
    )

    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    stored = somebody.sdk.responses.retrieve(events[-1].response.id)
    assert (stored.status, stored.error.code if stored.error else None) == ("failed", events[-1].response.error.code)


def test_a_client_that_leaves_loses_nothing(somebody: Person, offline: httpx.Client) -> None:
    conversation = somebody.sdk.conversations.create().id
    fault(offline, tokens_per_second=50)
    stream = somebody.sdk.responses.create(
        model="deepthinks", conversation=conversation, input="I left the oven on, I think.", stream=True
    )
    response = next(event.response.id for event in stream if event.type == "response.created")
    stream.close()

    ended = eventually(lambda: (seen := somebody.sdk.responses.retrieve(response)).status == "completed" and seen)

    assert [item.role for item in turns(somebody, conversation)] == ["user", "assistant"]
    assert ended.output_text


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows a process's variables")
def test_a_process_holds_only_its_own_secrets(stack: Stack) -> None:
    def environment(name: str) -> str:
        return Path(f"/proc/{stack.processes[name].pid}/environ").read_text()

    holders = {
        secret: {name for name in stack.processes if f"{secret}=" in environment(name)}
        for secret in ("JWT_SECRET_KEY", "SECRET_CHAT_MEMORY", "SECRET_CHAT_FILES", "SECRET_CHAT_ANALYTICS")
    }

    assert holders == {
        "JWT_SECRET_KEY": {"auth"},
        "SECRET_CHAT_MEMORY": {"chat", "memory"},
        "SECRET_CHAT_FILES": {"chat", "files"},
        "SECRET_CHAT_ANALYTICS": {"chat", "analytics"},
    }


def test_internal_doors_do_not_exist_at_the_gateway(somebody: Person) -> None:
    for path in ("/internal/events", "/internal/context", "/v1/../internal/events", "/%69nternal/events", "/metrics"):
        answer = somebody.http.post(path, json={})
        assert answer.status_code in (400, 404), path
