"""The access log: facts for operators, no secrets."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from .houses import House


def logged(house: House, request_id: str) -> dict[str, Any]:
    """The log line of one request; nginx writes it after the answer is gone."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in house.log().splitlines():
            if request_id in line:
                entry: dict[str, Any] = json.loads(line)
                return entry
        time.sleep(0.01)
    raise AssertionError(f"{request_id} was not logged")


def test_a_line_tells_what_happened(house: House) -> None:
    token, request_id = house.token(), f"logged-{uuid4().hex}"
    house.door.get("/v1/models", token=token)

    house.door.get("/v1/./models", ("X-Request-Id", request_id), token=token)

    entry = logged(house, request_id)
    assert list(entry) == [
        "time",
        "method",
        "path",
        "status",
        "bytes",
        "seconds",
        "request_id",
        "upstream",
        "upstream_status",
        "upstream_seconds",
        "auth_cache",
    ]
    assert (entry["method"], entry["path"], entry["status"], entry["auth_cache"]) == ("GET", "/v1/models", 200, "HIT")
    assert entry["upstream"].endswith(f"127.0.0.1:{house.upstreams['chat'].port}")


def test_no_secret_of_a_request_is_logged(house: House) -> None:
    request_id = f"logged-{uuid4().hex}"
    canary = "canary-secret"
    headers = [("X-Request-Id", request_id), ("Cookie", canary), ("Referer", canary), ("User-Agent", canary)]

    house.door.send("POST", f"/s/{canary}?password={canary}", headers, canary.encode(), token=house.token(canary))
    house.door.send("POST", f"/v1/shares/{canary}/unlock?a={canary}", headers, canary.encode(), token=canary)
    house.upstreams["memory"].stop()
    house.door.send("POST", f"/v1/memory/down?a={canary}", headers, canary.encode(), token=house.token(canary))
    house.auth.stop()
    house.door.send("POST", f"/v1/memory/down?a={canary}", headers, canary.encode(), token=canary * 2)

    assert logged(house, request_id)["path"] == "/s/***"
    assert canary not in house.log()


SECRETIVE = {
    "an API key": (
        "GET",
        "/v1/models?api_key={secret}",
        [("Authorization", "Bearer {secret}"), ("X-Api-Key", "{secret}")],
        "",
    ),
    "a refresh token": ("POST", "/v1/auth/refresh", [], '{{"refresh_token":"{secret}"}}'),
    "the refresh cookie": ("POST", "/v1/auth/logout", [("Cookie", "__Host-refresh_token={secret}")], ""),
    "a reset token": ("POST", "/v1/auth/password/reset?token={secret}", [], '{{"token":"{secret}"}}'),
    "a deletion's token": ("GET", "/v1/auth/deletions/{secret}", [], ""),
    "a deletion's token, badly spelled": ("GET", "/v1/auth/./deletions//{secret}%3b", [], ""),
    "a deletion's token, and more": ("GET", "/v1/auth/deletions/{secret}/x", [], ""),
    "a share's token": ("GET", "/s/{secret}", [], ""),
    "a foreign host": ("GET", "http://{secret}.example/{secret}", [], ""),
    "an Origin": ("POST", "/v1/auth/refresh", [("Origin", "https://{secret}.example"), ("Referer", "{secret}")], ""),
}


@pytest.mark.parametrize(("method", "path", "headers", "body"), SECRETIVE.values(), ids=SECRETIVE)
def test_no_credential_of_any_kind_is_logged(
    method: str, path: str, headers: list[tuple[str, str]], body: str, house: House
) -> None:
    secret, request_id = f"dts-{uuid4().hex}", f"logged-{uuid4().hex}"
    sent = [(name, value.format(secret=secret)) for name, value in headers] + [("X-Request-Id", request_id)]

    house.door.send(method, path.format(secret=secret), sent, body.format(secret=secret).encode())

    assert logged(house, request_id)
    assert secret not in house.log()


def test_a_path_cannot_write_a_line_of_its_own(house: House) -> None:
    request_id = f"logged-{uuid4().hex}"

    house.door.get('/v1/x%22,%22status%22:200%0a{"path":"fake"}', ("X-Request-Id", request_id))

    assert logged(house, request_id)["status"] == 400
    assert all(json.loads(line) for line in house.log().splitlines())
