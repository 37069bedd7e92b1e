"""Both ways to depart: what races with them, what a token still does afterwards, and who may decide them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chassis.ids import new_id
from chassis.owners import ERASE_PATH, MERGE_PATH
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_open

TURN: dict[str, Any] = {"model": "deepthinks", "input": "The words are one two three four five six seven eight."}
ITEM = {"role": "user", "content": "Hello"}
COMPLETION: dict[str, Any] = {"model": "deepthinks", "messages": [{"role": "user", "content": TURN["input"]}]}


def test_every_turn_is_either_accepted_and_given_or_refused(chat: Chat) -> None:
    account = chat.somebody_else()

    def ask(_: int) -> httpx.Response:
        return chat.http().post("/responses", json=TURN)

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask, number) for number in range(24)]
        asking[4].result()
        chat.merge_into(account)
        answers = [*(each.result() for each in asking), ask(24)]

    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} == {200, 401}
    assert {call["call_id"] for call in account.ledger()} == set(accepted)
    assert [account.http().get(f"/responses/{each}").status_code for each in accepted] == [200] * len(accepted)
    assert chat.http().get("/conversations").json()["data"] == []


def test_no_call_of_the_model_outlives_the_erasure_it_raced_with(chat: Chat, llm: OfflineLLM) -> None:
    pseudonym = new_id("former")
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"hang_after_chunks": 2}})

    def ask(number: int) -> int:
        path, body = ("/responses", TURN) if number % 2 else ("/chat/completions", COMPLETION)
        return chat.http().post(path, json={**body, "stream": number % 4 < 2}).status_code

    with ThreadPoolExecutor(24) as threads:
        asking = [threads.submit(ask, number) for number in range(24)]
        until_open(llm, 3)
        chat.erase(pseudonym)
        calls = len(chat.called(pseudonym).ledger())
        statuses = {each.result(timeout=5) for each in asking}

    assert statuses <= {200, 401, 404}
    assert llm.open_streams() == 0
    assert len(chat.called(pseudonym).ledger()) == calls
    assert chat.ledger() == []


def merged(chat: Chat) -> None:
    chat.merge_into(chat.somebody_else())


def erased(chat: Chat) -> None:
    chat.erase()


@pytest.mark.parametrize("depart", [merged, erased])
def test_a_token_that_outlives_its_user_changes_nothing_any_more(
    chat: Chat, llm: OfflineLLM, depart: Callable[[Chat], None]
) -> None:
    said = chat.ask("Hello")
    conversation_id = said["conversation"]["id"]
    depart(chat)
    calls_before = len(llm.requests())

    with chat.http() as http:
        answers = [
            http.post("/responses", json=TURN),
            http.post("/responses", json={**TURN, "stream": True}),
            http.post("/responses", json={**TURN, "store": False}),
            http.post("/responses", json=TURN, headers={"idempotency-key": new_id("key")}),
            http.post("/responses", json={**TURN, "conversation": conversation_id}),
            http.post("/responses", json={**TURN, "previous_response_id": said["id"]}),
            http.post(f"/responses/{said['id']}/cancel"),
            http.post("/conversations", json={}),
            http.post(f"/conversations/{conversation_id}", json={"metadata": {}}),
            http.delete(f"/conversations/{conversation_id}"),
            http.post("/conversations", json={"items": [ITEM]}),
            http.post(f"/conversations/{conversation_id}/items", json={"items": [ITEM]}),
            http.delete(f"/conversations/{conversation_id}/items/{said['output'][0]['id']}"),
            http.delete(f"/responses/{said['id']}"),
            http.post("/chat/completions", json=COMPLETION),
            http.post("/chat/completions", json={**COMPLETION, "stream": True}),
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "invalid_token")] * 16
    assert len(llm.requests()) == calls_before
    assert chat.ledger() == []


@pytest.mark.parametrize("path", [MERGE_PATH, ERASE_PATH])
def test_nobody_but_auth_decides_about_owners(chat: Chat, path: str) -> None:
    said = chat.ask("Hello")
    body = {"owner": chat.user_id, "into" if path == MERGE_PATH else "pseudonym": "user_x"}

    refused = [
        chat.told(path, body, caller="memory", secret="chat-memory"),
        chat.told(path, body, caller="memory"),
        httpx.post(f"{chat.url}{path}", json=body, headers=chat.auth.headers(chat.user_id), trust_env=False),
        httpx.post(f"{chat.url}{path}", json=body, trust_env=False),
    ]

    assert [answer.status_code for answer in refused] == [403, 401, 401, 401]
    assert chat.http().get(f"/responses/{said['id']}").json() == said
