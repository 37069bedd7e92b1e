"""People as these tests need them: many, cheap, and exact about what they were sent."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

Event = dict[str, Any]

LONGEST_STREAM_SECONDS = 60.0


@dataclass(frozen=True)
class Person:
    """Somebody signed in."""

    http: httpx.Client
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query, headers=self.headers).raise_for_status().json()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, json=body, headers=self.headers | named)

    def delete(self, path: str) -> None:
        self.http.delete(path, headers=self.headers).raise_for_status()

    def turn(self, text: str, **more: Any) -> httpx.Response:
        return self.post("/v1/responses", {"model": "deepthinks", "input": text, **more})

    def response(self, name: str) -> Event:
        return dict(self.get(f"/v1/responses/{name}"))

    @contextmanager
    def streamed(self, path: str, body: dict[str, Any], **headers: str) -> Iterator[httpx.Response]:
        """An answer whose body is read as it comes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.http.stream("POST", path, json=body | {"stream": True}, headers=self.headers | named) as answer:
            yield answer

    def streamed_turn(self, text: str, **more: Any) -> Any:
        return self.streamed("/v1/responses", {"model": "deepthinks", "input": text, **more})

    def resumed(self, response: str, after: int) -> Any:
        query: dict[str, str | int] = {"stream": "true", "starting_after": after}
        return self.http.stream("GET", f"/v1/responses/{response}", params=query, headers=self.headers)

    def said(self, conversation: str) -> list[tuple[str, str]]:
        """Who said what, oldest first."""
        listed = self.get(f"/v1/conversations/{conversation}/items", order="asc", limit=100)
        assert not listed["has_more"]
        return [(item["role"], item["content"][0]["text"]) for item in listed["data"]]

    def usage(self) -> dict[str, int]:
        return dict(self.get("/v1/usage")["total"])


def sign_up(http: httpx.Client) -> Person:
    account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long enough passphrase", "username": "Ada"}
    return Person(http, http.post("/v1/auth/signup", json=account).raise_for_status().json()["access_token"])


def data_of(answer: httpx.Response) -> Iterator[str]:
    """The data of a stream, as it comes. Comments keep a stream alive for ever, so this does not wait for ever."""
    deadline = time.monotonic() + LONGEST_STREAM_SECONDS
    for line in answer.iter_lines():
        assert time.monotonic() < deadline, "the stream does not end"
        if line.startswith("data: "):
            yield line.removeprefix("data: ")


def events_of(answer: httpx.Response) -> Iterator[Event]:
    """What a stream carries, as it comes."""
    return map(json.loads, data_of(answer))


def text_of(events: list[Event]) -> str:
    """What the deltas of a response say."""
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def written(response: Event) -> str:
    """What a response says."""
    parts = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(part["text"] for part in parts)
