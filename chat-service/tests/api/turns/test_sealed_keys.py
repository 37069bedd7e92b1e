"""Users' own keys against whoever gets at the database, when their owner goes, when the secret is lost or changed."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from chat_service.main import create_app
from chat_service.provider_keys import ProviderKeys
from chat_service.settings import Settings
from dev.offline_llm.testing import OfflineLLM
from dev.processes import Process, free_port

from .conftest import Chat
from .own_keys import KEY, NONE, complete, fingerprint, keys_sent, own_keys, put, shown


def test_a_key_that_was_moved_to_another_user_opens_for_nobody(
    start: Callable[..., AbstractContextManager[Chat]], llm: OfflineLLM
) -> None:
    with start() as chat:
        other = chat.somebody_else()
        put(chat)
        put(other, "key-of-another-5678")
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"))) as database:
        sealed = "ciphertext, nonce, salt, secret_id, last_four, created_at"
        rows = database.execute(f"select owner, {sealed} from provider_keys").fetchall()
        for (owner, *_), (_, *others) in zip(rows, reversed(rows), strict=True):
            database.execute(
                f"update provider_keys set ({sealed}) = (?, ?, ?, ?, ?, ?) where owner = ?", (*others, owner)
            )

    with start() as chat:
        answers = [complete(chat), complete(chat.called(other.user_id))]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
            (422, "provider_key_unreadable")
        ] * 2
        assert keys_sent(llm) == []
        assert own_keys(chat) == []


def test_a_key_goes_with_its_account(chat: Chat) -> None:
    put(chat)

    counts = chat.erase()

    assert counts["provider_keys"] == 1
    assert put(chat).status_code == 401
    assert chat.http().delete("/provider-key").status_code == 401
    assert shown(chat) == NONE


async def test_an_erased_users_key_is_not_remembered(environment: dict[str, Any], tmp_path: Path) -> None:
    app = create_app(Settings(**environment, service_data=tmp_path))
    async with app.router.lifespan_context(app):
        keys: ProviderKeys = app.state.provider_keys
        await keys.put("user_1", KEY)
        before = await keys.of("user_1")

        await app.state.estates.erase("user_1", "former_1")

        assert (before, await keys.of("user_1")) == (KEY, None)


def test_no_key_comes_with_a_guest(chat: Chat) -> None:
    account = chat.somebody_else()
    put(chat)  # as somebody who is no guest: no guest could

    chat.merge_into(account)

    assert (shown(chat), shown(account)) == (NONE, NONE)
    assert complete(account).status_code == 200


def test_a_stolen_database_holds_no_key(chat: Chat) -> None:
    key = "sk-canary-3f9a77c1e0b24d55"
    put(chat, key)
    complete(chat)

    spelled = [key.encode(), key.encode().hex().encode(), key[:-4].encode(), key.encode("utf-16-le")]

    files = [file.read_bytes() for file in chat.folder.iterdir()]
    assert any(b"provider_keys" in content for content in files)
    assert [each for each in spelled for content in files if each in content] == []


def test_without_its_secret_a_key_has_to_be_given_anew(
    start: Callable[..., AbstractContextManager[Chat]], llm: OfflineLLM
) -> None:
    with start(provider_key_secret="first " * 8) as chat:
        put(chat)

    with start(provider_key_secret="second " * 8) as chat:
        lost = complete(chat)
        described = shown(chat)
        put(chat, "another-key-5678")
        anew = complete(chat)

    assert (lost.status_code, lost.json()["code"]) == (422, "provider_key_unreadable")
    assert lost.headers["x-should-retry"] == "false"
    assert described["last_four"] == "1234"
    assert anew.status_code == 200
    assert keys_sent(llm) == [fingerprint("another-key-5678")]


def test_a_secret_is_changed_in_one_start(start: Callable[..., AbstractContextManager[Chat]], llm: OfflineLLM) -> None:
    with start(provider_key_secret="first " * 8) as chat:
        put(chat)
    with start(provider_key_secret="second " * 8, provider_key_secrets_previous="first " * 8):
        pass

    with start(provider_key_secret="second " * 8) as chat:
        assert complete(chat).status_code == 200

    assert keys_sent(llm) == [fingerprint(KEY)]


@pytest.fixture
def talkative(environment: dict[str, Any], chat: Chat, tmp_path: Path) -> Iterator[Process]:
    """A process of its own that logs all it can; `chat` speaks to it."""
    port = free_port()
    settings = {**environment, "service_data": tmp_path, "service_port": port, "log_level": "debug"}
    variables = {name.upper(): str(value) for name, value in settings.items()} | {"TOGETHER_LOG": "debug"}
    chat.url = f"http://127.0.0.1:{port}"
    process = Process(
        "chat", [sys.executable, "-m", "chat_service"], variables, tmp_path / "logs", f"{chat.url}/health/ready"
    )
    process.start()
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.kill()


def test_no_log_line_has_a_key(talkative: Process, chat: Chat, llm: OfflineLLM) -> None:
    for key in ("sk-canary-accepted-0001", "bad-canary-rejected-02", "canary with spaces 03", "sk-canary-again-0004"):
        put(chat, key)
    complete(chat)
    chat.ask("Hello.")
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"status": 401}})
    complete(chat)
    llm.behave()
    llm.misbehave({"fault": {"status": 500}})
    put(chat, "sk-canary-unchecked-0005")
    complete(chat)
    chat.http().delete("/provider-key")
    talkative.stop()

    log = talkative.log.read_text()
    routes = {json.loads(line).get("route") for line in log.splitlines() if line.startswith("{")}
    assert routes >= {"/v1/provider-key", "/v1/chat/completions", "/v1/responses"}
    assert [word for word in ("canary", "Bearer", "Hello") if word in log] == []
