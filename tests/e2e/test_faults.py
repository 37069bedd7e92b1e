"""Bad input and missing parts, through the gateway: a clear problem each, nothing half-stored, never a 500.

What the model, streams and crashes do is in tests/faults.
"""

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


BODIES = [
    (b"", 422, None),
    (b"{", 400, "invalid_json"),
    (b"[]", 422, "invalid_request"),
    (b'"text"', 422, "invalid_request"),
    (b'{"model": "deepthinks"}', 400, "input_missing"),
    (b'{"model": 7, "input": "hi"}', 422, "invalid_request"),
    (b'{"model": "deepthinks", "input": "hi", "temperature": "hot"}', 422, "invalid_request"),
    (b'{"model": "deepthinks", "input": "hi", "shoe_size": 43}', 400, "unknown_parameter"),
    (b'{"model": "no-such/model", "input": "hi"}', 404, "model_not_found"),
    (b'{"model": "deepthinks", "input": "hi", "previous_response_id": "resp_' + b"0" * 32 + b'"}', 404, None),
    (b'{"model": "deepthinks", "input": "hi", "conversation": "conv_' + b"0" * 32 + b'"}', 404, None),
    (b'{"model": "deepthinks", "input": "hi\\ud800"}', None, None),
    (b'{"model": "deepthinks", "input": ' + b"[" * 10_000, 400, None),
    (b'{"model": "deepthinks", "input": ' + b"[" * 50_000, 413, "payload_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES, ids=range(len(BODIES)))
def test_a_bad_turn_is_a_clear_problem(somebody: Person, body: bytes, status: int | None, code: str | None) -> None:
    answer = somebody.http.post("/v1/responses", content=body, headers={"content-type": "application/json"})

    assert 400 <= answer.status_code < 500 if status is None else answer.status_code == status
    document = answer.json()
    assert document["error"]["message"]
    assert code is None or document["code"] == code
    assert somebody.http.get("/v1/conversations").json()["data"] == []


@pytest.mark.parametrize(("path", "size"), [("/v1/responses", 13_000_000), ("/v1/conversations", 3_000_000)])
def test_an_oversize_body_is_refused_at_the_door(somebody: Person, path: str, size: int) -> None:
    answer = somebody.http.post(path, json={"model": "deepthinks", "input": "x" * size})

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
