"""How tests give a key of a user's own, and see which key was taken."""

import hashlib
from contextlib import closing
from typing import Any

import apsw
import httpx

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat

KEY = "a-key-of-my-own-1234"
NONE = {"object": "provider_key", "set": False, "last_four": None, "created_at": None}
COMPLETION = {"model": "deepthinks", "messages": [{"role": "user", "content": "Hello."}]}


def put(chat: Chat, key: str = KEY) -> httpx.Response:
    return chat.http().put("/provider-key", json={"key": key})


def shown(chat: Chat) -> dict[str, Any]:
    return dict(chat.http().get("/provider-key").raise_for_status().json())


def complete(chat: Chat) -> httpx.Response:
    return chat.http().post("/chat/completions", json=COMPLETION)


def fingerprint(key: str) -> str:
    """As the stand-in for the provider writes keys down."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def keys_sent(llm: OfflineLLM, path: str = "/v1/chat/completions") -> list[str]:
    return [request["key_sha256"] for request in llm.requests() if request["path"] == path]


def own_keys(chat: Chat) -> list[int]:
    """What the ledger says of the user's calls."""
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY)) as database:
        return [row[0] for row in database.execute("select own_key from ledger where owner = ?", (chat.user_id,))]
