"""Conversations and their items."""

from typing import Any

import openai
import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed, until_open
from .neighbours import Neighbours


def test_a_conversation_is_opened_described_and_deleted_by_the_sdk(chat: Chat, neighbours: Neighbours) -> None:
    sdk = chat.sdk()

    opened = sdk.conversations.create(metadata={"topic": "dogs"})
    updated = sdk.conversations.update(opened.id, metadata={"topic": "cats"})
    deleted = sdk.conversations.delete(opened.id)

    assert opened.metadata == {"topic": "dogs"}
    assert updated.metadata == {"topic": "cats"}
    assert (deleted.id, deleted.deleted) == (opened.id, True)
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.retrieve(opened.id)
    [event] = neighbours.memory.until("conversation.deleted")
    assert event["conversation_id"] == opened.id


def test_conversations_are_listed_page_by_page(chat: Chat) -> None:
    opened = [chat.sdk().conversations.create().id for _ in range(5)]
    chat.somebody_else().sdk().conversations.create()

    with chat.http() as http:
        first = http.get("/conversations", params={"limit": 3}).json()
        rest = http.get("/conversations", params={"limit": 3, "after": first["last_id"]}).json()
        oldest = http.get("/conversations", params={"limit": 1, "order": "asc"}).json()

    assert [entry["id"] for entry in first["data"] + rest["data"]] == opened[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert oldest["data"][0]["id"] == opened[0]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_items_are_listed_page_by_page_on_the_active_branch(chat: Chat, order: str) -> None:
    first = chat.ask("one")
    conversation_id = first["conversation"]["id"]
    chat.ask("on another branch", conversation=conversation_id)
    chat.ask("two", previous_response_id=first["id"])
    chat.ask([{"role": "user", "content": "three"}, {"role": "user", "content": "four"}], conversation=conversation_id)

    listed = []
    with chat.http() as http:
        page = http.get(f"/conversations/{conversation_id}/items", params={"limit": 2, "order": order}).json()
        listed += page["data"]
        while page["has_more"]:
            params = {"limit": 2, "order": order, "after": page["last_id"]}
            page = http.get(f"/conversations/{conversation_id}/items", params=params).json()
            listed += page["data"]

    said = [item["content"][0]["text"] if item["role"] == "user" else "answer" for item in listed]
    in_order = ["one", "answer", "two", "answer", "three", "four", "answer"]
    assert said == (in_order if order == "asc" else in_order[::-1])


def test_an_item_is_found_by_its_id(chat: Chat) -> None:
    response = chat.ask("Hello")
    conversation_id = response["conversation"]["id"]

    item = chat.sdk().conversations.items.retrieve(response["output"][0]["id"], conversation_id=conversation_id)

    assert item.to_dict() == response["output"][0]


def test_input_items_are_listed_by_the_sdk(chat: Chat) -> None:
    response = chat.ask([{"role": "user", "content": "one"}, {"role": "user", "content": "two"}])

    newest = chat.sdk().responses.input_items.list(response["id"], limit=1)

    assert len(newest.data) == 1
    said: list[Any] = [item.to_dict()["content"] for item in newest]
    assert [content[0]["text"] for content in said] == ["two", "one"]


def test_deleting_a_conversation_stops_what_runs_in_it_and_leaves_only_the_bill(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 50}})
    with chat.streaming("Some words that take a while to repeat for a model this slow.") as events:
        response = next(events)["response"]
        while next(events)["type"] != "response.output_text.delta":
            pass

        chat.sdk().conversations.delete(response["conversation"]["id"])

        told = list(events)
    assert told[-1]["response"]["status"] == "cancelled"
    until_closed(llm)
    assert chat.http().get(f"/responses/{response['id']}").status_code == 404
    [usage] = neighbours.analytics.until("usage.recorded")
    assert usage["outcome"] == "cancelled"
    neighbours.memory.until("conversation.deleted")
    assert neighbours.memory.data_of("turn.ended") == []


def test_deleting_a_conversation_stops_a_response_that_has_not_begun_to_speak(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    response = chat.ask("Hello", background=True)
    until_open(llm)

    chat.sdk().conversations.delete(response["conversation"]["id"])

    until_closed(llm)


def test_everything_of_somebody_else_is_missing(chat: Chat, llm: OfflineLLM) -> None:
    response = chat.ask("A secret.")
    running = chat.ask("Hello", background=True)
    conversation_id, response_id, item_id = response["conversation"]["id"], response["id"], response["output"][0]["id"]
    body = {"model": "deepthinks", "input": "Hello"}
    stranger = chat.somebody_else().http()

    answers = [
        stranger.get(f"/conversations/{conversation_id}"),
        stranger.post(f"/conversations/{conversation_id}", json={"metadata": {}}),
        stranger.delete(f"/conversations/{conversation_id}"),
        stranger.get(f"/conversations/{conversation_id}/items"),
        stranger.get(f"/conversations/{conversation_id}/items/{item_id}"),
        stranger.get(f"/responses/{response_id}"),
        stranger.get(f"/responses/{response_id}", params={"stream": True}),
        stranger.get(f"/responses/{response_id}/input_items"),
        stranger.post(f"/responses/{response_id}/cancel"),
        stranger.post(f"/responses/{running['id']}/cancel"),
        stranger.post("/responses", json={**body, "conversation": conversation_id}),
        stranger.post("/responses", json={**body, "previous_response_id": response_id}),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert chat.until(running["id"], "completed")
    assert chat.http().get(f"/responses/{response_id}").json() == response
    assert stranger.get("/conversations").json()["data"] == []


def test_somebody_elses_item_is_missing_in_a_conversation_of_ones_own(chat: Chat) -> None:
    secret = chat.ask("A secret.")["output"][0]["id"]
    stranger = chat.somebody_else()
    own = stranger.ask("Hello")["conversation"]["id"]

    answers = [
        stranger.http().get(f"/conversations/{own}/items/{secret}"),
        stranger.http().get(f"/conversations/{own}/items", params={"after": secret}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "item_not_found")] * 2


def test_a_page_after_an_item_of_another_conversation_is_refused(chat: Chat) -> None:
    one, other = chat.ask("one"), chat.ask("other")

    path = f"/conversations/{one['conversation']['id']}/items"
    refused = chat.http().get(path, params={"after": other["output"][0]["id"]})

    assert (refused.status_code, refused.json()["code"]) == (404, "item_not_found")
