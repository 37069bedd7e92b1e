"""People with one of each thing that somebody can have, made through the gateway."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import httpx

from chassis.testing import eventually

KINDS = ("session", "key", "file", "conversation", "response", "item", "code file", "fact")
PASSWORD = "a long enough passphrase"
KEY_SCOPES = ["chat:read", "chat:write", "files:read", "files:write", "memory:read", "memory:write", "usage:read"]


@dataclass
class Person:
    """Somebody signed in. `things` are ids by kind; `canary` stands in all that the person ever wrote or uploaded."""

    http: httpx.Client
    tokens: dict[str, Any]
    email: str | None = None
    canary: str = field(default_factory=lambda: f"canary{uuid4().hex}")
    things: dict[str, str] = field(default_factory=dict)
    api_key: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def token(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["id"])

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def post(self, path: str, **content: Any) -> Any:
        return self.http.post(path, **content).raise_for_status().json()


def sign_up(url: str) -> Person:
    email = f"{uuid4().hex}@example.com"
    return _signed_in(url, "signup", email, {"email": email, "password": PASSWORD, "username": "Ada"})


def enter_as_guest(url: str) -> Person:
    return _signed_in(url, "guest", None, None)


def _signed_in(url: str, how: str, email: str | None, body: dict[str, str] | None) -> Person:
    tokens = httpx.post(f"{url}/v1/auth/{how}", json=body).raise_for_status().json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return Person(httpx.Client(base_url=url, headers=headers, timeout=30.0), tokens, email)


def furnish(person: Person, kinds: Collection[str] = KINDS) -> Person:
    """Gives one of each kind, and waits until what happens behind it has happened."""
    if "session" in kinds:
        person.things["session"] = str(person.tokens["refresh_token"]).partition(".")[0]
    if "key" in kinds and person.email:
        key = person.post("/v1/auth/keys", json={"name": person.canary, "scopes": KEY_SCOPES})
        person.things["key"], person.api_key = key["id"], key["key"]
    if "file" in kinds:
        _upload(person)
    if "fact" in kinds:
        _remember(person)
    if not {"conversation", "response", "item", "code file"}.isdisjoint(kinds):
        _converse(person)
    return person


def _upload(person: Person) -> None:
    content = {"file": ("notes.txt", f"{person.canary} in a file")}
    file = person.post("/v1/files", files=content, data={"purpose": "user_data"})["id"]
    eventually(lambda: person.http.get(f"/v1/files/{file}/text").is_success)
    person.things["file"] = file


def _remember(person: Person) -> None:
    """One that was changed once, so that there is something to take back."""
    fact = person.post("/v1/memory/facts", json={"text": f"Is called {person.canary}."})["id"]
    person.http.patch(f"/v1/memory/facts/{fact}", json={"priority": 9}).raise_for_status()
    person.things["fact"] = fact


def _converse(person: Person) -> None:
    conversation = person.post("/v1/conversations", json={"metadata": {"title": person.canary}})["id"]
    content = [{"type": "input_text", "text": f"{person.canary} in a turn"}]
    if "file" in person.things:
        content.append({"type": "input_file", "file_id": person.things["file"]})
    turn = {"model": "deepthinks", "conversation": conversation, "input": [{"role": "user", "content": content}]}
    person.things |= {"conversation": conversation, "response": person.post("/v1/responses", json=turn)["id"]}
    person.things["item"] = person.get(f"/v1/conversations/{conversation}/items")["last_id"]
    code = {"model": "deepthinks-code", "conversation": conversation, "input": "Write a file that says hello."}
    person.things["code file"] = person.post("/v1/responses", json=code)["code"]["files"][0]["id"]
    eventually(lambda: _remembered_turns(person, conversation) == 2)
    eventually(lambda: person.get("/v1/usage")["total"]["calls"])


def _remembered_turns(person: Person, conversation: str) -> int:
    answer = person.http.get(f"/v1/memory/conversations/{conversation}")
    return int(answer.json()["statistics"]["turns"]) if answer.is_success else 0


def missing(thing: str) -> str:
    """An id of the same kind that names nothing, and sorts where this one does."""
    return thing[:-1] + ("0" if thing[-1] != "0" else "1")
