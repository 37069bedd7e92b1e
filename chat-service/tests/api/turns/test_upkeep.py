"""What is dropped with time."""

from typing import Any

from chassis.testing import eventually


def test_the_events_of_an_ended_response_are_dropped_and_the_response_stays(start: Any) -> None:
    with start(events_kept_seconds=0.1, upkeep_seconds=0.05) as chat:
        response = chat.ask("Hello")
        path = f"/responses/{response['id']}"

        eventually(lambda: chat.http().get(path, params={"stream": True}).status_code != 200)

        expired = chat.http().get(path, params={"stream": True})
        kept = chat.http().get(path).json()

    assert (expired.status_code, expired.json()["code"]) == (410, "events_expired")
    assert kept == response


def test_an_idempotency_key_is_forgotten(start: Any) -> None:
    with start(idempotency_seconds=0.1, upkeep_seconds=0.05) as chat:
        headers = {"idempotency-key": "key-1"}
        body = {"model": "deepthinks", "input": "Hello"}
        first = chat.http().post("/responses", json=body, headers=headers).json()

        def made_anew() -> dict[str, Any] | None:
            again = chat.http().post("/responses", json=body, headers=headers).json()
            return None if again["id"] == first["id"] else dict(again)

        second = eventually(made_anew)

    assert second["status"] == "completed"
    assert second["conversation"] != first["conversation"]
