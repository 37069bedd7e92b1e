"""What chat expects of memory: the context of a turn, and that it takes in turns and deletions."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.neighbours import Neighbour, neighbour_client
from chassis.settings import development_secret
from chassis.testing import FakeAuth, serve
from chat_service.clients.memory import Memory
from chat_service.main import create_app
from chat_service.settings import Settings
from dev.offline_llm.testing import running
from dev.pacts import Pact, as_service, contract, match, served, taken_place

OWNER = "user_1"
CONVERSATION = "conv_01890a5d000070008000000000000001"
NEW_CONVERSATION = "conv_01890a5d000070008000000000000002"
EARLIER = "resp_01890a5d000070008000000000000003"
LATEST = "resp_01890a5d000070008000000000000004"
TURNS = [
    {"turn_id": EARLIER, "user_text": "My dog is called Bruno.", "assistant_text": "Noted."},
    {"turn_id": LATEST, "user_text": "He is afraid of thunder.", "assistant_text": "Poor Bruno."},
]
QUESTION = {"owner": OWNER, "query": "What is my dog called?", "token_budget": 8000}
STATEMENT = "My dog is called Bruno."
NEW_TURN = "resp_01890a5d000070008000000000000005"
NOBODY = "http://127.0.0.1:9"


ChatOn = Callable[[Path, str], AbstractContextManager[httpx.Client]]


@pytest.fixture
def chat_on() -> Iterator[ChatOn]:
    """`with chat_on(folder, memory_url) as client` serves chat on a folder, and yields a signed-in user's client."""
    auth = FakeAuth()
    with serve(auth.app) as auth_url, running() as llm:

        @contextmanager
        def start(folder: Path, memory_url: str) -> Iterator[httpx.Client]:
            settings = Settings(
                service_data=folder,
                storage_reserve_bytes=0,
                auth_url=auth_url,
                memory_url=memory_url,
                memory_seconds=2.0,
                analytics_url=NOBODY,
                together_base_url=llm.url,
            )
            with serve(create_app(settings)) as url:
                with httpx.Client(base_url=url, headers=auth.headers(OWNER), trust_env=False) as client:
                    yield client

        yield start


def a_known_conversation_has_context(pact: Pact) -> None:
    message = {"role": match.regex("user", regex="system|user|assistant"), "content": match.str("He is afraid.")}
    part = {
        "kind": match.regex("turn", regex="facts|episodes|turn|recall"),
        "ids": match.each_like(match.str(LATEST), min=1),
        "tokens": match.int(9),
        "reason": match.str("short-term memory"),
        "score": None,
    }
    (
        pact.upon_receiving("a question for the context of a conversation that memory knows")
        .given("a conversation", {"owner": OWNER, "conversation_id": CONVERSATION, "turns": TURNS})
        .with_request("POST", "/internal/context")
        .with_headers(as_service())
        .with_body({**QUESTION, "conversation_id": CONVERSATION, "tail": [LATEST, EARLIER]}, "application/json")
        .will_respond_with(200)
        .with_body(
            {
                "known_through": LATEST,
                "messages": match.each_like(message, min=1),
                "recall": None,
                "parts": match.each_like(part, min=1),
                "dropped": [],
                "tokens": match.int(30),
            },
            "application/json",
        )
    )


def a_new_conversation_has_none(pact: Pact) -> None:
    asked = {"owner": OWNER, "conversation_id": conversation_id(), "tail": [], "query": STATEMENT, "token_budget": 8000}
    nothing: dict[str, Any] = {
        "known_through": None,
        "messages": [],
        "recall": None,
        "parts": [],
        "dropped": [],
        "tokens": 0,
    }
    (
        pact.upon_receiving("a question for the context of a conversation that memory has not heard of")
        .with_request("POST", "/internal/context")
        .with_headers(as_service())
        .with_body(asked, "application/json")
        .will_respond_with(200)
        .with_body(nothing, "application/json")
    )


def a_turn_is_taken_in(pact: Pact) -> None:
    turn = {
        "owner": OWNER,
        "conversation_id": conversation_id(),
        "turn_id": match.regex(NEW_TURN, regex="resp_[0-9a-f]{32}"),
        "parent_id": None,
        "depth": 1,
        "status": "completed",
        "user_text": STATEMENT,
        "assistant_text": match.str("I made a note of the dog."),
        "file_ids": [],
        "model": match.str("Qwen/Qwen3-235B-A22B-Instruct-2507-tput"),
        "created_at": match.number(1_760_000_000.5),
        "ended_at": match.number(1_760_000_003.5),
    }
    an_event_is_applied(pact, "a turn that has ended", "turn.ended", turn)


def a_revision_is_taken_in(pact: Pact) -> None:
    revised = {
        "owner": OWNER,
        "conversation_id": conversation_id(),
        "turn_id": match.regex(NEW_TURN, regex="resp_[0-9a-f]{32}"),
        "user_text": "",
        "assistant_text": "",
    }
    an_event_is_applied(pact, "a turn that was deleted", "turn.revised", revised)


def a_deletion_is_taken_in(pact: Pact) -> None:
    deleted = {"owner": OWNER, "conversation_id": conversation_id()}
    an_event_is_applied(pact, "a conversation that was deleted", "conversation.deleted", deleted)


def an_event_is_applied(pact: Pact, description: str, kind: str, data: dict[str, Any]) -> None:
    event_id = {"turn.ended": NEW_TURN, "turn.revised": LATEST, "conversation.deleted": NEW_CONVERSATION}[kind][-32:]
    event = {
        "id": match.regex(f"evt_{event_id}", regex="evt_[0-9a-f]{32}"),
        "kind": kind,
        "key": conversation_id(),
        "created_at": match.number(1_760_000_003.5),
        "data": data,
    }
    (
        pact.upon_receiving(description)
        .with_request("POST", "/internal/events")
        .with_headers(as_service())
        .with_body({"events": [event]}, "application/json")
        .will_respond_with(200)
        .with_body({"outcomes": [{"id": match.str("evt_1"), "outcome": "applied"}]}, "application/json")
    )


def conversation_id() -> Any:
    return match.regex(NEW_CONVERSATION, regex="conv_[0-9a-f]{32}")


async def a_turn_that_memory_knows_is_deleted(chat_on: ChatOn, folder: Path) -> None:
    """While memory is down. Its `turn.ended` is taken off what is owed, as if memory had taken that in before."""
    with chat_on(folder, NOBODY) as client:
        answered = client.post("/v1/responses", json={"model": "deepthinks", "input": STATEMENT}).raise_for_status()
        client.delete(f"/v1/responses/{answered.json()['id']}").raise_for_status()
    with Database(folder, []) as database:
        await database.write(lambda tx: tx.run("delete from outbox where kind = 'turn.ended'"))


async def test_turns_are_remembered_and_forgotten(tmp_path: Path, chat_on: ChatOn) -> None:
    with contract("chat", "memory") as pact:
        a_known_conversation_has_context(pact)
        a_new_conversation_has_none(pact)
        a_turn_is_taken_in(pact)
        a_revision_is_taken_in(pact)
        a_deletion_is_taken_in(pact)

        with served(pact) as server:
            async with neighbour_client() as http:
                identity = Identity("chat", RemoteKeys("", http), {"memory": development_secret("chat-memory")})
                memory = Memory(Neighbour("memory", server.url, http, identity), deadline=2.0)
                known = await memory.recall(OWNER, CONVERSATION, [LATEST, EARLIER], "What is my dog called?", 8000)
            await a_turn_that_memory_knows_is_deleted(chat_on, tmp_path / "three")
            # Three services, for each goes on repeating its event: the pact cannot answer with the id it was sent.
            with (
                chat_on(tmp_path / "one", server.url) as talking,
                chat_on(tmp_path / "two", server.url) as deleting,
                chat_on(tmp_path / "three", server.url),
            ):
                talking.post("/v1/responses", json={"model": "deepthinks", "input": STATEMENT}).raise_for_status()
                conversation = deleting.post("/v1/conversations", json={}).raise_for_status().json()["id"]
                deleting.delete(f"/v1/conversations/{conversation}").raise_for_status()
                await taken_place(server)

    assert known is not None
    assert known.known_through == LATEST
    assert [message.role for message in known.messages] == ["user"]
    assert [part.kind for part in known.parts] == ["turn"]
