"""All that somebody can have here, and how it looks to them."""

from typing import Any
from uuid import uuid4

import apsw

from chassis.testing import eventually
from dev.stack import Stack

from .people import Person


def settle_in(person: Person, *, turns: int = 4) -> Person:
    """Gives a file, conversations whose older turns were folded into memory, a completion; waits until all is there."""
    canary = person.canary
    person.http.patch("/v1/settings", json={"persona": f"I like {canary}."}).raise_for_status()
    person.http.patch("/v1/memory/settings", json={"facts_across_conversations": False}).raise_for_status()
    person.post("/v1/memory/facts", json={"text": f"Is called {canary}."})
    file = person.post(
        "/v1/files",
        files={"file": (f"{canary}.txt", f"The lighthouse keeper is {canary}.")},
        data={"purpose": "user_data"},
    )["id"]
    conversations = [person.post("/v1/conversations", json={"metadata": {"title": canary}})["id"] for _ in range(2)]
    for number in range(turns):
        say(person, conversations[0], f"My dog number {number} is called {canary}.")
    say(person, conversations[1], "Who is the lighthouse keeper?", file)
    messages = [{"role": "user", "content": f"I am {canary}."}]
    person.post("/v1/chat/completions", json={"model": "deepthinks", "messages": messages})
    person.things = {"file": file, "conversation": conversations[0], "other conversation": conversations[1]}
    eventually(lambda: memory(person, conversations[0]).get("long_term", {}).get("interactions"))
    eventually(lambda: memory(person, conversations[1]).get("statistics", {}).get("turns") == 1)
    eventually(lambda: usage(person)["calls"] == turns + 2)
    return person


def say(person: Person, conversation: str, text: str, *files: str) -> dict[str, Any]:
    """One whole turn."""
    content = [{"type": "input_file", "file_id": file} for file in files] + [{"type": "input_text", "text": text}]
    body = {"model": "deepthinks", "conversation": conversation, "input": [{"role": "user", "content": content}]}
    answer = person.http.post("/v1/responses", json=body, headers={"idempotency-key": uuid4().hex})
    return dict(answer.raise_for_status().json())


def everything(person: Person) -> dict[str, Any]:
    """What the person finds to be theirs."""
    conversations = [each["id"] for each in person.get("/v1/conversations")["data"]]
    files = [each["id"] for each in person.get("/v1/files")["data"]]
    return {
        "conversations": {
            each: {
                "itself": person.get(f"/v1/conversations/{each}"),
                "items": person.get(f"/v1/conversations/{each}/items?limit=100&order=asc")["data"],
                "memory": memory(person, each),
            }
            for each in conversations
        },
        "files": {
            each: {
                "itself": person.get(f"/v1/files/{each}"),
                "content": person.http.get(f"/v1/files/{each}/content").text,
                "text": person.get(f"/v1/files/{each}/text"),
            }
            for each in files
        },
        # without their scores, which depend on how much there is of everybody's
        "found": sorted(turn["id"] for turn in person.get(f"/v1/memory/search?q={person.canary}")["data"]),
        "facts": {each["id"]: each for each in person.get("/v1/memory/facts?status=any&limit=100")["data"]},
        "facts across conversations": person.get("/v1/memory/settings")["facts_across_conversations"],
        "settings": person.get("/v1/settings")["persona"],
        "usage": usage(person),
    }


def memory(person: Person, conversation: str) -> dict[str, Any]:
    answer = person.http.get(f"/v1/memory/conversations/{conversation}")
    return answer.json() if answer.is_success else {}


def usage(person: Person) -> dict[str, int]:
    """Sums of what was spent."""
    return dict(person.get("/v1/usage")["total"])


def spent(stack: Stack, service: str, owner: str | None = None) -> list[tuple[Any, ...]]:
    """Tokens and number of calls that chat or analytics has written down: of everybody, or under one name."""
    table = {"chat": "ledger", "analytics": "usage_events"}[service]
    sums = f"select total(input_tokens), total(output_tokens), count(*) from {table} where owner = ?1 or ?1 is null"
    connection = apsw.Connection(str(stack.folder / service / "data.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return list(connection.execute(sums, (owner,)))
    finally:
        connection.close()
