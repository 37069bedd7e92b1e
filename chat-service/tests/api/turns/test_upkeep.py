"""What is dropped with time."""

import time
from typing import Any


def test_the_events_of_an_ended_response_are_dropped_and_the_response_stays(start: Any) -> None:
    with start(events_kept_seconds=0.1, upkeep_seconds=0.05) as chat:
        response = chat.ask("Hello")
        path = f"/responses/{response['id']}"
        deadline = time.monotonic() + 3
        while (expired := chat.http().get(path, params={"stream": True})).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)

        kept = chat.http().get(path).json()

    assert (expired.status_code, expired.json()["code"]) == (410, "events_expired")
    assert kept == response


def test_an_idempotency_key_is_forgotten(start: Any) -> None:
    with start(idempotency_seconds=0.1, upkeep_seconds=0.05) as chat:
        headers = {"idempotency-key": "key-1"}
        body = {"model": "deepthinks", "input": "Hello"}
        first = chat.http().post("/responses", json=body, headers=headers).json()
        deadline = time.monotonic() + 3
        while (second := chat.http().post("/responses", json=body, headers=headers).json())["id"] == first["id"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    assert second["status"] == "completed"
    assert second["conversation"] != first["conversation"]
