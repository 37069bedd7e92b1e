"""The access log: facts for operators, no secrets."""

import json
import time
from typing import Any
from uuid import uuid4

from .conftest import House


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


def test_a_path_cannot_write_a_line_of_its_own(house: House) -> None:
    request_id = f"logged-{uuid4().hex}"

    house.door.get('/v1/x%22,%22status%22:200%0a{"path":"fake"}', ("X-Request-Id", request_id))

    assert logged(house, request_id)["status"] == 400
    assert all(json.loads(line) for line in house.log().splitlines())
