"""What memory's neighbours expect of it holds for the real memory."""

import time
from pathlib import Path
from typing import Any

import httpx

from chassis.events import EVENTS_PATH
from chassis.testing import FakeAuth, serve, service_token
from dev.pacts import WithRealTokens, states, verifier, verify_for_auth
from memory_service.main import create_app
from memory_service.settings import Settings

from ..conftest import Memory, Talk


def a_conversation(memory: httpx.Client, owner: str, conversation_id: str, turns: list[dict[str, str]]) -> None:
    """Chat reports its turns, one after the other."""
    parents = [None, *(turn["turn_id"] for turn in turns)]
    events = [
        turn_ended(owner=owner, conversation_id=conversation_id, parent_id=parent, depth=depth, **turn)
        for depth, (parent, turn) in enumerate(zip(parents, turns, strict=False), 1)
    ]
    receipt = memory.post(EVENTS_PATH, json={"events": events}).raise_for_status().json()
    assert {outcome["outcome"] for outcome in receipt["outcomes"]} == {"applied"}


def turn_ended(**data: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "id": f"evt_{data['turn_id']}",
        "kind": "turn.ended",
        "key": data["conversation_id"],
        "created_at": now,
        "data": {"status": "completed", "file_ids": [], "model": "m", "created_at": now, "ended_at": now, **data},
    }


STATES = {"a conversation": a_conversation}


def test_chat_finds_what_it_expects(tmp_path: Path) -> None:
    settings = Settings(service_data=tmp_path, storage_reserve_bytes=0)
    token = service_token("chat", "memory", settings.secret_chat_memory.get_secret_value())

    with serve(WithRealTokens(create_app(settings), service=token)) as url:
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False) as memory:
            for name, parameters in states("chat", "memory"):
                STATES[name](memory, **parameters)
        verifier("memory", url, "chat").verify()


def test_auth_finds_what_it_expects(tmp_path: Path) -> None:
    settings = Settings(service_data=tmp_path, storage_reserve_bytes=0)

    def remember(url: str, owner: str) -> None:
        assert Memory(url, settings, FakeAuth()).deliver(Talk(owner).turn("My dog is called Bruno.")) == ["applied"]

    verify_for_auth("memory", create_app(settings), settings.secret_auth_memory, remember)
