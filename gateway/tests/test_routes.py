"""Which path leads to which service, and that nothing else leads anywhere."""

import json

import pytest

from .door import Door
from .houses import House

ROUTES = {
    "auth": [
        "/v1/auth/me",
        "/v1/auth/signup",
        "/v1/auth/google/nonce",
        "/v1/auth/password/reset",
        "/v1/auth/sessions/1",
        "/v1/auth/deletions/token",
        "/.well-known/jwks.json",
    ],
    "chat": [
        "/v1/responses",
        "/v1/responses/resp_1/input_items",
        "/v1/conversations",
        "/v1/conversations/conv_1/items",
        "/v1/conversations/conv_1/shares",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/Qwen/Qwen3-235B-A22B",
        "/v1/embeddings",
        "/v1/settings",
        "/v1/provider-key",
        "/v1/budgets",
        "/v1/search?q=a",
        "/v1/shares",
        "/v1/shares/share_1",
        "/s/token",
        "/s/token/style.css",
        "/v1/exports/1",
        "/v1/imports",
    ],
    "memory": ["/v1/memory/conversations/conv_1", "/v1/memory/facts"],
    "files": ["/v1/files", "/v1/files/file_1", "/v1/files/file_1/content", "/v1/files/file_1/events"],
    "analytics": ["/v1/usage", "/v1/usage/models"],
}
OPEN = {
    "/v1/auth/signup",
    "/v1/auth/google/nonce",
    "/v1/auth/password/reset",
    "/v1/auth/deletions/token",
    "/.well-known/jwks.json",
    "/v1/shares/share_1",
    "/s/token",
    "/s/token/style.css",
}
NOWHERE = [
    "/",
    "/v1",
    "/v1/",
    "/v1/responsesx",
    "/v1/usagex",
    "/v1/auth",
    "/v1/chat",
    "/v1/settings%0a",
    "/v2/models",
    "/V1/models",
    "/v1/Models",
    "/docs",
    "/admin",
    "/.env",
    "/.git/config",
    "/favicon.ico",
    "/index.html",
    "/api/v1/models",
    "/x/v1/models",
    "/.well-known/jwks.json/x",
]


@pytest.mark.parametrize(("service", "path"), [(name, path) for name, paths in ROUTES.items() for path in paths])
def test_each_path_leads_to_the_service_that_owns_it(service: str, path: str, house: House) -> None:
    answer = house.door.get(path, token=house.token())

    reached = [name for name, upstream in house.upstreams.items() for seen in upstream.received if seen.target == path]
    assert answer.status == 200
    assert reached == [service]


@pytest.mark.parametrize("path", [path for paths in ROUTES.values() for path in paths])
def test_a_path_that_is_not_open_to_everyone_needs_a_credential(path: str, house: House) -> None:
    answer = house.door.get(path)

    assert answer.status == (200 if path in OPEN else 401)


@pytest.mark.parametrize("path", NOWHERE)
def test_an_unlisted_path_leads_nowhere(path: str, house: House) -> None:
    answer = house.door.get(path, token=house.token())

    assert answer.status in (400, 404)
    assert not any(upstream.received for upstream in house.upstreams.values())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_reaches_the_service_as_it_was_sent(method: str, house: House) -> None:
    answer = house.door.send(method, "/v1/responses/resp_1", token=house.token())

    assert answer.status == 200
    assert [seen.method for seen in house.upstreams["chat"].received] == [method]


def test_the_gateway_says_itself_that_it_is_up(house: House) -> None:
    for upstream in house.upstreams.values():
        upstream.stop()

    answer = house.door.get("/health")

    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert answer.header("Content-Type") == "application/json"


def test_the_merged_contract_is_public_and_may_be_revalidated(door: Door) -> None:
    answer = door.get("/openapi.json")
    again = door.get("/openapi.json", ("If-None-Match", answer.header("ETag") or ""))

    assert (answer.status, json.loads(answer.body)["openapi"]) == (200, "3.1.0")
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-cache"
    assert again.status == 304


def test_a_range_of_the_contract_is_the_whole_contract(door: Door) -> None:
    answer = door.get("/openapi.json", ("Range", "bytes=9999-"))

    assert (answer.status, json.loads(answer.body)["openapi"]) == (200, "3.1.0")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:1", "[::1]", "[::1]:8080", "localhost:"]
)
def test_our_own_host_names_are_served(host: str, door: Door) -> None:
    assert door.send("GET", "/health", host=host).status == 200


@pytest.mark.parametrize("host", ["localhost:80@evil.example", "localhost:evil.example", "localhost:123456"])
def test_a_host_that_goes_on_behind_its_name_with_anything_but_a_port_is_refused(house: House, host: str) -> None:
    answer = house.door.send("GET", "/v1/models", host=host, token=house.token())

    assert (answer.status, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.2", "_", "10.0.0.1:80"]
)
def test_a_foreign_host_is_misdirected(host: str, house: House) -> None:
    paths = ("/health", "/v1/models", "/s/a", "/_problem")

    answers = [house.door.send("GET", path, host=host, token=house.token()) for path in paths]

    assert [(answer.status, answer.json()["code"]) for answer in answers] == [(421, "foreign_host")] * 4
    assert not any(upstream.received for upstream in house.upstreams.values())


def test_an_absolute_target_counts_more_than_the_host_header(house: House) -> None:
    token = house.token()

    foreign = house.door.send("GET", "http://evil.example/v1/models", host="localhost", token=token)
    ours = house.door.send("GET", "http://localhost/v1/models", host="evil.example", token=token)

    assert (foreign.status, ours.status) == (421, 200)
    assert house.upstreams["chat"].last.header("Host") == "localhost"
    assert house.upstreams["chat"].last.header("X-Forwarded-Host") == "localhost"
