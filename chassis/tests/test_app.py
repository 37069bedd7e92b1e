"""What every service answers without having been written for it."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from chassis.app import create_app
from chassis.policies import UndeclaredPolicy
from chassis.settings import ServiceSettings
from chassis.testing import FakeAuth, serve

from .example_service import create_example


def assert_problem(answer: httpx.Response, status: int, code: str, param: str | None = None) -> None:
    document = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (document["status"], document["code"]) == (status, code)
    assert (document["error"]["code"], document["error"]["param"]) == (code, param)
    assert document["request_id"] == answer.headers["x-request-id"]


def test_a_valid_request_is_answered_with_the_callers_identity(beta: httpx.Client, auth: FakeAuth) -> None:
    answer = beta.post("/notes", json={"id": "7"}, headers=auth.headers("user_9"))

    assert (answer.status_code, answer.json()) == (200, {"id": "user_9/7"})


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b'{"id": ', 400, "invalid_json", None),
        (b'{"id": "1", "owner": "me"}', 400, "unknown_parameter", "owner"),
        (b'{"id": 1}', 422, "invalid_request", "id"),
        (b"{}", 422, "invalid_request", "id"),
        (b'{"id": "1", "size": "many"}', 422, "invalid_request", "size"),
        (b'{"id": "1", "lines": ""}', 422, "invalid_request", "lines"),
        (b'{"id": "1", "lines": [{"kind": "text", "text": 7}]}', 422, "invalid_request", "lines.0.text"),
        (b'{"id": "1", "lines": [{"kind": "text"}]}', 422, "invalid_request", "lines.0.text"),
        (b'{"id": "1", "lines": [{"kind": "line"}]}', 422, "invalid_request", "lines.0"),
        (b'{"id": "1", "lines": [{"kind": "text", "text": "a", "size": 1}]}', 400, "unknown_parameter", "lines.0.size"),
        (b"[" * 20_000, 400, "invalid_request", None),
        (b"[" * 100_000, 413, "payload_too_large", None),
        (b'{"id": "1", "lines": [' + b"0," * 30_000 + b"0]}", 413, "payload_too_large", None),
        (
            b'{"id": "1"' + b"".join(b',"%d":0' % number for number in range(30_000)) + b"}",
            413,
            "payload_too_large",
            None,
        ),
        (b'{"id": "' + b"x" * 2_000_001 + b'"}', 413, "payload_too_large", None),
    ],
)
def test_bad_bodies_are_problems(
    beta: httpx.Client, auth: FakeAuth, body: bytes, status: int, code: str, param: str | None
) -> None:
    headers = {**auth.headers(), "content-type": "application/json"}

    answer = beta.post("/notes", content=body, headers=headers)

    assert_problem(answer, status, code, param)


@pytest.mark.parametrize("sent", [{"data": {"id": "7"}}, {"content": b'{"id": "7"}'}, {}])
def test_a_body_that_does_not_say_it_is_json_is_told_what_to_say(
    beta: httpx.Client, auth: FakeAuth, sent: dict[str, Any]
) -> None:
    answer = beta.post("/notes", headers=auth.headers(), **sent)

    assert_problem(answer, 422, "invalid_request")
    assert "content-type: application/json" in answer.json()["detail"]


def test_half_a_character_is_the_callers_problem_and_stores_nothing(beta: httpx.Client) -> None:
    headers = {"content-type": "application/json"}

    answer = beta.post("/stored-notes", content=b'{"id": "\\ud800"}', headers=headers)

    assert_problem(answer, 422, "invalid_request")
    assert beta.post("/stored-notes", json={"id": "whole 😀"}).status_code == 200


def test_a_text_may_hold_whatever_signs_json_has(beta: httpx.Client, auth: FakeAuth) -> None:
    text = ',[{\\",' * 30_000

    answer = beta.post("/notes", json={"id": text}, headers=auth.headers("user_9"))

    assert (answer.status_code, answer.json()) == (200, {"id": f"user_9/{text}"})


def test_a_body_without_announced_length_is_limited_too(beta: httpx.Client, auth: FakeAuth) -> None:
    headers = {**auth.headers(), "content-type": "application/json"}

    answer = beta.post("/notes", content=(b" " * 100_000 for _ in range(30)), headers=headers)

    assert_problem(answer, 413, "payload_too_large")


def test_unknown_paths_and_methods_are_problems(beta: httpx.Client) -> None:
    assert_problem(beta.get("/nowhere"), 404, "not_found")
    assert_problem(beta.delete("/notes"), 405, "method_not_allowed")
    assert_problem(beta.get("/notes", params={"limit": 0}), 422, "invalid_request", "limit")


def test_a_crash_is_a_problem_that_tells_nothing_and_the_connection_lives_on(beta: httpx.Client) -> None:
    answer = beta.get("/crash")

    assert_problem(answer, 500, "internal_error")
    assert "secret content" not in answer.text
    assert beta.get("/notes").status_code == 200


def test_a_well_formed_request_id_is_kept_and_an_odd_one_replaced(beta: httpx.Client) -> None:
    kept = beta.get("/notes", headers={"x-request-id": "from-the-gateway-1"})
    replaced = beta.get("/notes", headers={"x-request-id": "x" * 65})

    assert kept.headers["x-request-id"] == "from-the-gateway-1"
    assert replaced.headers["x-request-id"].startswith("req_")


def test_readiness_follows_the_service_and_liveness_does_not(beta: httpx.Client) -> None:
    before = beta.get("/health/ready")
    beta.get("/not-ready-soon")
    after = beta.get("/health/ready")

    assert before.status_code == 200
    assert_problem(after, 503, "unavailable")
    assert beta.get("/health/live").status_code == 200


def test_a_page_says_where_it_ends(beta: httpx.Client) -> None:
    page = beta.get("/notes", params={"limit": 2}).json()

    assert page == {
        "object": "list",
        "data": [{"id": "0"}, {"id": "1"}],
        "first_id": "0",
        "last_id": "1",
        "has_more": True,
    }


def test_an_app_with_a_route_that_declares_no_policy_does_not_start() -> None:
    router = APIRouter()

    @router.get("/open")
    async def open_door() -> None: ...

    @asynccontextmanager
    async def lifespan(_):
        yield

    with pytest.raises(UndeclaredPolicy, match="/open declares 0 policies"):
        create_app("careless", ServiceSettings(), routers=[router], lifespan=lifespan)


def test_the_published_openapi_tells_policies_and_refusals(tmp_path: Path) -> None:
    document = create_example("beta", tmp_path, "http://127.0.0.1:1").openapi()

    add = document["paths"]["/notes"]["post"]
    assert add["x-policy"] == "user chat:write"
    assert add["security"] == [{"bearer": []}]
    assert set(add["responses"]) == {"200", "default"}
    assert "application/problem+json" in add["responses"]["default"]["content"]
    assert "security" not in document["paths"]["/notes"]["get"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_two_processes_cannot_serve_the_same_folder(beta: httpx.Client, tmp_path: Path, auth_url: str) -> None:
    with pytest.raises(RuntimeError, match="did not start"), serve(create_example("beta", tmp_path, auth_url)):
        pass
