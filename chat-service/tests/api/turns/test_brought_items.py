"""What clients bring of talks held elsewhere: turns that have ended, which no model answered."""

from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed
from .neighbours import Neighbours

USER = {"role": "user", "content": "My dog is called Rex."}
ASSISTANT = {"role": "assistant", "content": "A fine name."}
SYSTEM = {"role": "system", "content": "Be brief."}
CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny."}


def tree(chat: Chat, conversation_id: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = chat.http().get(f"/conversations/{conversation_id}/responses").json()["data"]
    return nodes


def test_a_conversation_is_opened_with_items_by_the_sdk(chat: Chat, llm: OfflineLLM) -> None:
    opened = chat.sdk().conversations.create(items=[USER, ASSISTANT])  # type: ignore[list-item]

    items = chat.sdk().conversations.items.list(opened.id, order="asc")
    answer = chat.ask("What is my dog called?", conversation=opened.id)
    [sent] = [entry["body"]["messages"] for entry in llm.requests()][-1:]

    assert [item.to_dict()["role"] for item in items] == ["user", "assistant"]
    assert opened.to_dict()["title"] == "My dog is called Rex."
    assert [message["content"] for message in sent if message["role"] != "system"][:2] == [
        USER["content"],
        ASSISTANT["content"],
    ]
    assert answer["conversation"]["id"] == opened.id


def test_items_are_added_by_the_sdk_and_come_back(chat: Chat) -> None:
    conversation_id = chat.ask("Hello")["conversation"]["id"]

    added = chat.sdk().conversations.items.create(conversation_id, items=[USER, ASSISTANT])  # type: ignore[list-item]

    assert [item.to_dict()["role"] for item in added.data] == ["user", "assistant"]
    assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[1].id, False)
    retrieved = chat.sdk().conversations.items.retrieve(str(added.last_id), conversation_id=conversation_id)
    assert retrieved.to_dict() == added.data[1].to_dict()


def test_each_message_of_the_user_opens_a_turn(chat: Chat, neighbours: Neighbours) -> None:
    items = [SYSTEM, USER, ASSISTANT, ASSISTANT, USER, {**USER, "content": "Again."}, SYSTEM, ASSISTANT]
    conversation_id = chat.http().post("/conversations", json={"items": items}).json()["id"]

    nodes = tree(chat, conversation_id)
    told = neighbours.memory.until("turn.ended", 3)

    assert [(node["depth"], node["parent_id"]) for node in nodes] == [
        (1, None),
        (2, nodes[0]["id"]),
        (3, nodes[1]["id"]),
    ]
    assert all((node["status"], node["model"], node["active"]) == ("completed", "client", True) for node in nodes)
    assert [(event["turn_id"], event["user_text"], event["assistant_text"]) for event in told] == [
        (nodes[0]["id"], USER["content"], f"{ASSISTANT['content']}\n\n{ASSISTANT['content']}"),
        (nodes[1]["id"], USER["content"], ""),
        (nodes[2]["id"], "Again.", ASSISTANT["content"]),
    ]
    assert {(event["status"], event["model"]) for event in told} == {("completed", "client")}
    assert chat.ledger() == []


def test_calls_of_functions_are_brought_with_their_results(chat: Chat) -> None:
    items = [USER, CALL, RESULT, ASSISTANT]

    conversation_id = chat.http().post("/conversations", json={"items": items}).json()["id"]

    listed = chat.http().get(f"/conversations/{conversation_id}/items", params={"order": "asc"}).json()["data"]
    assert [item["type"] for item in listed] == ["message", "function_call", "function_call_output", "message"]
    assert [node["preview"] for node in tree(chat, conversation_id)] == [USER["content"], None]
    assert chat.ask("And tomorrow?", conversation=conversation_id)["status"] == "completed"


def test_a_result_without_its_call_is_refused_and_nothing_is_stored(chat: Chat) -> None:
    refused = chat.http().post("/conversations", json={"items": [USER, ASSISTANT, RESULT]})

    assert (refused.status_code, refused.json()["code"]) == (400, "tool_call_not_found")
    assert chat.http().get("/conversations").json()["data"] == []


def test_what_an_assistant_said_first_is_taken_too(chat: Chat) -> None:
    opened = chat.http().post("/conversations", json={"items": [ASSISTANT]}).json()

    assert [node["preview"] for node in tree(chat, opened["id"])] == [None]
    assert opened["title"] is None
    assert chat.ask("Thanks.", conversation=opened["id"])["status"] == "completed"


@pytest.mark.parametrize(
    "items",
    [
        [USER] * 21,
        [{**USER, "content": "x" * 400_001}],
        [{"type": "item_reference", "id": "msg_1"}],
        [{"type": "web_search_call"}],
        [{"role": "x"}],
    ],
    ids=["many", "long", "reference", "unsupported", "unknown"],
)
def test_what_cannot_be_brought_is_refused(chat: Chat, items: list[dict[str, Any]]) -> None:
    conversation_id = chat.http().post("/conversations").json()["id"]

    answers = [
        chat.http().post("/conversations", json={"items": items}),
        chat.http().post(f"/conversations/{conversation_id}/items", json={"items": items}),
    ]

    assert all(answer.status_code in (400, 422) for answer in answers)
    assert tree(chat, conversation_id) == []


def test_nothing_is_no_items_to_add(chat: Chat) -> None:
    conversation_id = chat.http().post("/conversations", json={"items": []}).json()["id"]

    refused = chat.http().post(f"/conversations/{conversation_id}/items", json={"items": []})

    assert refused.status_code in (400, 422)


def test_a_file_of_somebody_else_cannot_be_brought(chat: Chat, neighbours: Neighbours) -> None:
    foreign = neighbours.files.add("Secret.", owner="user_other")
    message = {"role": "user", "content": [{"type": "input_file", "file_id": foreign}]}

    refused = chat.http().post("/conversations", json={"items": [message]})

    assert (refused.status_code, refused.json()["code"]) == (404, "file_not_found")


def test_nothing_is_added_while_a_turn_is_answered(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    running = chat.ask("Hello", background=True)
    path = f"/conversations/{running['conversation']['id']}/items"

    refused = chat.http().post(path, json={"items": [USER]})

    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
    chat.http().post(f"/responses/{running['id']}/cancel")
    until_closed(llm)
    assert chat.http().post(path, json={"items": [USER]}).status_code == 200


def test_nothing_is_added_to_somebody_elses_conversation(chat: Chat) -> None:
    conversation_id = chat.http().post("/conversations").json()["id"]

    refused = chat.somebody_else().http().post(f"/conversations/{conversation_id}/items", json={"items": [USER]})

    assert (refused.status_code, refused.json()["code"]) == (404, "conversation_not_found")
    assert tree(chat, conversation_id) == []


def test_a_turn_that_no_model_answered_can_be_read_and_deleted(chat: Chat) -> None:
    conversation_id = chat.http().post("/conversations", json={"items": [USER, ASSISTANT]}).json()["id"]
    [node] = tree(chat, conversation_id)

    response = chat.http().get(f"/responses/{node['id']}").json()
    chat.sdk().responses.delete(node["id"])

    assert (response["status"], response["model"], response["usage"]) == ("completed", "client", None)
    assert [node["deleted"] for node in tree(chat, conversation_id)] == [True]
